"""`manage.py index_help` makes the help articles part of the knowledge base, or brings them up to
date."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from accounts.models import User
from chatbot_project.api.errors import ModelUnavailable
from chatbot_project.site import help_articles
from chatbot_project.site.help_articles import Article, Work, is_ours
from chatbot_project.site.models import IndexedArticle
from knowledge import services
from knowledge.indexing import prepare_all
from knowledge.models import EVERYONE, Source, SourceType


class Command(BaseCommand):
    help = (
        "Makes the help articles part of the knowledge base, shared with everyone, and brings them "
        "up to date. Leaves alone what staff have deleted or rewritten."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--owner", metavar="EMAIL", help="whose they are: the first admin")
        parser.add_argument("--restore", action="store_true", help="add deleted ones again, too")

    def handle(self, *, owner: str | None, restore: bool, **options: Any) -> None:
        if restore:
            sources = Source.objects.values("id")
            IndexedArticle.objects.exclude(source_id__in=sources).delete()
        work = help_articles.work(help_articles.articles())
        try:
            add(work.to_add, find_owner(owner))
            change(work)
        except ModelUnavailable as error:
            raise CommandError(str(error)) from error
        except IntegrityError:
            raise CommandError("Another process is at it.") from None
        forget(work)
        self.stdout.write(
            f"{len(work.to_add)} added, {len(work.to_change)} changed, "
            f"{len(work.to_forget)} removed."
        )


def find_owner(email: str | None) -> User:
    users = User.objects.with_email(email) if email else User.objects.filter(is_superuser=True)
    owner = users.order_by("created_at").first()
    if owner is None:
        missing = f"an account {email}" if email else "an admin: manage.py createsuperuser"
        raise CommandError(f"There is no such owner yet. Make {missing}.")
    return owner


def add(articles: list[Article], owner: User) -> None:
    """All of them or none: embedded first, then stored at once."""
    items = [(article, source_of(article, owner)) for article in articles]
    texts = [services.text_of(source.title, source.content) for _, source in items]
    prepared = zip((source for _, source in items), prepare_all(texts), strict=True)
    with transaction.atomic():
        IndexedArticle.objects.bulk_create(
            IndexedArticle(slug=article.slug, source_id=source.id, digest=article.digest)
            for article, source in items
        )
        services.index_sources(list(prepared))


def source_of(article: Article, owner: User) -> Source:
    return Source(
        owner=owner,
        audience=EVERYONE,
        source_type=SourceType.MANUAL,
        title=article.title,
        content=article.text,
        tags=article.tags,
        metadata={"article": article.slug},
    )


def change(work: Work) -> None:
    """Each with its digest or not at all: one without would be taken for somebody else's."""
    for article, source in work.to_change:
        with transaction.atomic():
            IndexedArticle.objects.filter(slug=article.slug).update(digest=article.digest)
            services.change_text(
                source, title=article.title, content=article.text, tags=article.tags
            )


def forget(work: Work) -> None:
    for row in work.to_forget:
        source = Source.objects.filter(pk=row.source_id).first()
        if source and is_ours(source, row):
            services.delete_source(source)
        row.delete()
