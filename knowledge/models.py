"""What can be found: sources, their chunks, the chunks' embeddings, and how common each term is.

A row of any of them has an `audience`: the account that may read it, or EVERYONE. That is the one
rule of who sees what, and because each table has it, a search never looks at a foreign row.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone
from pgvector.django import HalfVectorField, SparseVectorField

from accounts.models import User
from chatbot_project.api import ids
from chatbot_project.api.errors import ResourceNotFound
from chatbot_project.api.times import rfc3339

TITLE_LENGTH = 500
SECTION_LENGTH = 300
EVERYONE = UUID(int=0)
DIMENSIONS = 1_000_000_000  # of sparse vectors: the most that pgvector takes
EVERY_CHUNK = 0  # the term that all chunks have: its count is how many there are


def audiences(user: User) -> list[UUID]:
    """Whose knowledge `user` finds: their own and what is shared."""
    return audiences_of(user.id)


def audiences_of(user_id: UUID) -> list[UUID]:
    return [user_id, EVERYONE]


class SourceType(models.TextChoices):
    DOCUMENT = "document"  # an uploaded file
    MANUAL = "manual"  # text that was added directly
    ARTIFACT = "artifact"  # a document of the document API


class Visibility(models.TextChoices):
    PRIVATE = "private"
    SHARED = "shared"


# A source has the uuid of the thing it was made from, and is known by that thing's public id.
PREFIXES = {SourceType.DOCUMENT: "file", SourceType.MANUAL: "src", SourceType.ARTIFACT: "doc"}
TYPES = {prefix: source_type for source_type, prefix in PREFIXES.items()}


class SourceQuerySet(models.QuerySet["Source"]):
    def visible_to(self, user: User) -> "SourceQuerySet":
        return self.filter(audience__in=audiences(user))

    def with_public_ids(self, public_ids: Iterable[str]) -> "SourceQuerySet":
        """The sources behind `file_...`, `doc_...` and `src_...`; nothing is behind other texts."""
        wanted = models.Q(pk__in=[])
        for public_id in public_ids:
            prefix = public_id.partition("_")[0]
            with suppress(ResourceNotFound):
                value = ids.decode(prefix, public_id)
                wanted |= models.Q(pk=value, source_type=TYPES.get(prefix, ""))
        return self.filter(wanted)

    def get_public(self, public_id: str) -> "Source":
        """Raises ResourceNotFound."""
        source = self.with_public_ids([public_id]).first()
        if source is None:
            raise ResourceNotFound("There is no such source.")
        return source


class Source(models.Model):
    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sources")
    audience = models.UUIDField(editable=False)
    source_type = models.CharField(max_length=10, choices=SourceType)
    title = models.CharField(max_length=TITLE_LENGTH, blank=True)
    filename = models.CharField(max_length=TITLE_LENGTH, blank=True)
    content = models.TextField(blank=True)  # of manual ones; others keep theirs elsewhere
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    chunk_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = SourceQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["audience", "-created_at", "-id"], name="sources_of_an_audience")
        ]

    def __str__(self) -> str:
        return self.title or self.filename or self.public_id

    @property
    def public_id(self) -> str:
        return ids.encode(PREFIXES[SourceType(self.source_type)], self.id)

    @property
    def visibility(self) -> Visibility:
        return Visibility.SHARED if self.audience == EVERYONE else Visibility.PRIVATE

    def as_json(self, *, content: bool = True) -> dict[str, Any]:
        """As the API and events show it, but for its chunks."""
        return {
            "id": self.public_id,
            "title": self.title,
            "filename": self.filename or None,
            "source_type": self.source_type,
            "visibility": self.visibility,
            "tags": self.tags,
            "metadata": self.metadata,
            "chunks_created": self.chunk_count,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
            **({"content": self.content} if content else {}),
        }

    def may_be_changed_by(self, user: User) -> bool:
        """Of the sources that `user` sees, their own; those of others only for staff."""
        return self.owner_id == user.id or user.is_staff


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def visible_to(self, user: User) -> "ChunkQuerySet":
        return self.filter(audience__in=audiences(user))


class Chunk(models.Model):
    """A piece of a source, small enough for the embedder. The database deletes it with the source.

    `terms` holds, for each term, the audience's hash in the upper half and the term in the lower:
    so the index has a list for each account, and no search reads through anybody else's.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    source = models.ForeignKey(  # one_chunk_a_position is its index
        Source,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="chunks",
    )
    audience = models.UUIDField(editable=False)
    position = models.PositiveIntegerField()
    content = models.TextField()
    token_count = models.PositiveIntegerField()
    page = models.PositiveIntegerField(null=True)
    section = models.CharField(max_length=SECTION_LENGTH, blank=True)
    terms = ArrayField(models.BigIntegerField())
    sparse = SparseVectorField(dimensions=DIMENSIONS)

    objects: ClassVar = ChunkQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "position"], name="one_chunk_a_position")
        ]
        indexes: ClassVar = [
            models.Index(fields=["audience"], name="chunks_of_an_audience"),
            # Without its list of pending entries, which every search would have to read through.
            GinIndex(fields=["terms"], name="chunks_with_a_term", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.encode("chunk", self.id)


class EmbeddingModel(models.Model):
    """An embedding model that has been used here. Searches use one only when it is complete."""

    name = models.CharField(max_length=200, primary_key=True)
    dimensions = models.PositiveIntegerField()
    is_complete = models.BooleanField(default=False)  # every chunk has its embedding

    def __str__(self) -> str:
        return self.name


class Embedding(models.Model):
    """A chunk as a unit vector of one model. The database deletes it with the chunk."""

    pk = models.CompositePrimaryKey("chunk_id", "model")
    chunk = models.ForeignKey(  # the primary key is its index
        Chunk,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="embeddings",
    )
    model = models.CharField(max_length=200)
    source_id = models.UUIDField()
    audience = models.UUIDField()
    # Of any length: each model has a partial index of its own. In half precision, which costs
    # cosines less than a thousandth, searches read half as much.
    vector = HalfVectorField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["audience", "model"], name="embeddings_of_an_audience"),
            models.Index(fields=["source_id"], name="embeddings_of_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.chunk_id} by {self.model}"


class TermStat(models.Model):
    """In how many chunks of an audience a term occurs."""

    pk = models.CompositePrimaryKey("audience", "term")
    audience = models.UUIDField()
    term = models.IntegerField()
    chunks = models.IntegerField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["audience"], condition=models.Q(term=0), name="chunks_by_audience")
        ]

    def __str__(self) -> str:
        return f"{self.term}: {self.chunks}"
