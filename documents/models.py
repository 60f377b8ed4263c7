"""Documents as they are now, and every version they have had."""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Left
from django.utils import timezone

from accounts.models import User
from chatbot_project.api import etags, ids
from chatbot_project.api.errors import ResourceNotFound
from chatbot_project.api.times import rfc3339
from webhooks.events import LONGEST_CONTENT, shortened

TITLE_LENGTH = 500
LANGUAGE_LENGTH = 50
MAX_CONTENT_BYTES = 1_000_000
MAX_VERSION = 2**31 - 1
# What a version holds: a change of anything else makes none.
VERSIONED = ("title", "content", "type", "language")


class Type(models.TextChoices):
    MARKDOWN = "markdown"
    CODE = "code"
    TEXT = "text"
    HTML = "html"
    CSV = "csv"
    JSON = "json"


class DocumentQuerySet(models.QuerySet["Document"]):
    def get_public(self, public_id: str) -> "Document":
        """The document behind `doc_...`. Raises ResourceNotFound."""
        document = self.filter(pk=ids.decode("doc", public_id)).first()
        if document is None:
            raise ResourceNotFound("There is no such document.")
        return document

    def locked(self) -> "DocumentQuerySet":
        """Whoever changes a document holds its row: writers queue, each sees the one before."""
        return self.select_for_update(of=("self",), no_key=True)

    def search(self, text: str) -> "DocumentQuerySet":
        """Documents with all of the words of `text` in title or content, in any form."""
        return self.filter(title__icontains=text)

    def cut(self) -> "DocumentQuerySet":
        """Without all of the content: `beginning` is enough for `shown_in_list`."""
        beginning = Left("content", LONGEST_CONTENT + 1)
        return self.defer("content").annotate(beginning=beginning)


class Document(models.Model):
    """Its newest version, with what belongs to all of them."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="documents")
    title = models.CharField(max_length=TITLE_LENGTH)
    content = models.TextField(blank=True)
    type = models.CharField(max_length=10, choices=Type, default=Type.MARKDOWN)
    language = models.CharField(max_length=LANGUAGE_LENGTH, blank=True)  # of code
    knowledge = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = DocumentQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["owner", "-updated_at", "-id"], name="documents_of_an_owner"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def public_id(self) -> str:
        return ids.encode("doc", self.id)

    @property
    def etag(self) -> str:
        """Of everything that `as_json` shows."""
        return etags.tag(f"{self.public_id} {self.version} {self.knowledge}")

    def as_json(self) -> dict[str, Any]:
        """The document as the API shows it."""
        return self._shown(self.content)

    def shown_in_list(self) -> dict[str, Any]:
        """Of a document from `cut()`: long content is cut as in events, and `truncated` says so."""
        beginning: str = getattr(self, "beginning")  # noqa: B009 - an annotation
        return shortened(self._shown(beginning))

    def _shown(self, content: str) -> dict[str, Any]:
        return {
            "id": self.public_id,
            "title": self.title,
            "content": content,
            "type": self.type,
            "language": self.language or None,
            "knowledge": self.knowledge,
            "version": self.version,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
        }


class VersionQuerySet(models.QuerySet["Version"]):
    def numbered(self, number: str | int) -> "Version":
        """Raises ResourceNotFound, also for what is no number."""
        text = str(number)
        if text.isascii() and text.isdigit() and len(text) < 11 and int(text) <= MAX_VERSION:
            version = self.filter(number=int(text)).first()
            if version is not None:
                return version
        raise ResourceNotFound("There is no such version.")


class Version(models.Model):
    """A document as it was. It never changes."""

    id = models.BigAutoField(primary_key=True)
    document = models.ForeignKey(
        Document, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=TITLE_LENGTH)
    content = models.TextField(blank=True)
    type = models.CharField(max_length=10, choices=Type)
    language = models.CharField(max_length=LANGUAGE_LENGTH, blank=True)
    size = models.PositiveIntegerField(help_text="Of the content, in bytes of UTF-8.")
    restored_from = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = VersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "number"], name="one_version_a_number")
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.document_id}"

    def as_json(self) -> dict[str, Any]:
        return self.shown_in_list() | {"content": self.content}

    def shown_in_list(self) -> dict[str, Any]:
        return {
            "document_id": ids.encode("doc", self.document_id),
            "version": self.number,
            "title": self.title,
            "type": self.type,
            "language": self.language or None,
            "size": self.size,
            "restored_from": self.restored_from,
            "created_at": rfc3339(self.created_at),
        }
