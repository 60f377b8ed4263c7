"""What the site remembers."""

from django.db import models


class IndexedArticle(models.Model):
    """A help article that was made part of the knowledge base. It stays when somebody deletes the
    source, so that nobody adds it again."""

    slug = models.SlugField(primary_key=True)
    source_id = models.UUIDField()
    digest = models.CharField(max_length=64)  # of title, text and tags as they were indexed

    def __str__(self) -> str:
        return self.slug
