"""Documents as they are now, every version they have had, and what is to be indexed of them."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Left
from django.utils import timezone

from accounts.models import User
from chatbot_project.api import etags, ids
from chatbot_project.api.errors import ResourceNotFound
from chatbot_project.api.times import rfc3339
from knowledge import lexical
from webhooks.events import LONGEST_CONTENT, shortened

TITLE_LENGTH = 500
LANGUAGE_LENGTH = 50
MAX_CONTENT_BYTES = 1_000_000
MAX_VERSION = 2**31 - 1
# What a version holds: a change of anything else makes none.
VERSIONED = ("title", "content", "type", "language")
# What joins words. A search takes them apart: `example.com` finds `www.example.com/path`.
JOINT = re.compile(r"(?<=\w)[-_./@:+#&](?=\w)")


class Type(models.TextChoices):
    MARKDOWN = "markdown"
    CODE = "code"
    TEXT = "text"
    HTML = "html"
    CSV = "csv"
    JSON = "json"


def whole(phrase: str) -> str:
    """A pattern of PostgreSQL's for a phrase that begins and ends where words do."""
    begins, ends = (r"\m" * phrase[:1].isalnum(), r"\M" * phrase[-1:].isalnum())
    return begins + re.escape(phrase) + ends


def search_keys(owner_id: UUID, terms: Iterable[int]) -> list[int]:
    """Terms as the index has them: a list for each account, so that none reads through others'."""
    return lexical.keys(lexical.audience_hash(owner_id), terms)


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

    def search(self, owner: User, text: str) -> "DocumentQuerySet":
        """The owner's documents with all words of `text`, in any form, in title or content."""
        terms = lexical.count_query(JOINT.sub(" ", text))
        if not terms:  # there are stop words alone, or signs
            return self.filter(owner=owner, title__iregex=whole(text))
        # Said exactly: Django takes plain numbers for 32 bits here, and cuts them.
        keys = [Value(key, models.BigIntegerField()) for key in search_keys(owner.id, terms)]
        return self.filter(owner=owner, terms__contains=keys)

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
    # Of title and content, as `search_keys` has them. Large: `documents_of` leaves them out.
    terms = ArrayField(models.BigIntegerField(), default=list, editable=False)
    knowledge = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = DocumentQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["owner", "-updated_at", "-id"], name="documents_of_an_owner"),
            # Without its list of pending entries, which every search would have to read through.
            GinIndex(fields=["terms"], name="documents_with_a_term", fastupdate=False),
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

    def find_terms(self) -> list[int]:
        """What `terms` must be for this title and content."""
        return search_keys(self.owner_id, lexical.count_chunk(self.title, self.content))

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


class Indexing(models.Model):
    """Of a document in the knowledge base: which version is there, and whether work is due.

    Who takes the work sets `claim` and moves `due_at` to the end of its lease: a claim whose owner
    has died is due again by itself, and one that a change has taken away is of no use any more.
    """

    document = models.OneToOneField(
        Document, primary_key=True, on_delete=models.CASCADE, related_name="indexing"
    )
    version = models.PositiveIntegerField(default=0)  # 0: none yet
    due_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    failures = models.PositiveIntegerField(default=0)  # since the last change or success

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="documents_to_index"
            )
        ]

    def __str__(self) -> str:
        return f"{self.document_id} at version {self.version}"
