"""Uploaded files, how far their processing is, and bytes that no file owns."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Q, Sum
from django.utils import timezone

from accounts.models import User
from chatbot_project.api import ids
from chatbot_project.api.errors import ResourceNotFound
from chatbot_project.api.times import rfc3339
from files import links
from knowledge.models import Visibility

NAME_LENGTH = 255
DESCRIPTION_LENGTH = 2_000


class Status(models.TextChoices):
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Stage(models.TextChoices):
    """Where processing is, or where it ended."""

    QUEUED = "queued"
    EXTRACTING = "extracting"
    SPLITTING = "splitting"
    EMBEDDING = "embedding"
    STORING = "storing"
    DONE = "done"


class FileQuerySet(models.QuerySet["StoredFile"]):
    def visible_to(self, user: User) -> "FileQuerySet":
        """Their own, and what is shared."""
        return self.filter(Q(owner=user) | Q(visibility=Visibility.SHARED))

    def get_public(self, public_id: str) -> "StoredFile":
        """The file behind `file_...`. Raises ResourceNotFound."""
        file = self.filter(pk=ids.decode("file", public_id)).first()
        if file is None:
            raise ResourceNotFound("There is no such file.")
        return file

    def search(self, text: str) -> "FileQuerySet":
        """Those with all words of `text` in name or description."""
        found = self
        for word in text.split():
            found = found.filter(Q(filename__icontains=word) | Q(description__icontains=word))
        return found

    def locked(self) -> "FileQuerySet":
        """Whoever changes a file holds its row; it comes before the row of its source."""
        return self.select_for_update(of=("self",), no_key=True)

    def used(self) -> tuple[int, int]:
        """How many there are, and their bytes."""
        found = self.aggregate(count=Count("pk"), size=Sum("size", default=0))
        return found["count"], found["size"]


class StoredFile(models.Model):
    """A file as it was uploaded. Its chunks are those of the knowledge source of the same id, its
    bytes are in storage under `key`.

    `due_at` is when its processing may be taken up; None: there is nothing to do. Who takes it sets
    `claim` and moves `due_at` to the end of a lease, so that work whose owner has died is due again
    by itself, and a claim that somebody has taken away is of no use any more.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="files", db_index=False)
    filename = models.CharField(max_length=NAME_LENGTH)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=127)
    description = models.CharField(max_length=DESCRIPTION_LENGTH, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PRIVATE)
    duplicate_of = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.SET_NULL,
        related_name="duplicates",
        db_constraint=False,  # it may be deleted as this one is stored
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    status = models.CharField(max_length=10, choices=Status, default=Status.PROCESSING)
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0, help_text="Percent.")
    chunks_created = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, help_text="Why processing failed.")
    processed_at = models.DateTimeField(null=True)

    due_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Begun, and not ended in good order."
    )
    failures = models.PositiveSmallIntegerField(
        default=0, help_text="Put off for something that could not be reached."
    )
    copies = models.BooleanField(
        default=True, help_text="Takes the chunks of a file with the same bytes."
    )

    objects: ClassVar = FileQuerySet.as_manager()

    class Meta:
        verbose_name = "file"
        indexes: ClassVar = [
            models.Index(fields=["owner", "-created_at", "-id"], name="files_of_an_owner"),
            models.Index(fields=["owner", "sha256"], name="files_with_the_same_bytes"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(visibility="shared"),
                name="files_that_are_shared",
            ),
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="files_to_process"
            ),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def public_id(self) -> str:
        return ids.encode("file", self.id)

    @property
    def key(self) -> str:
        return key_of(self.id)

    def may_be_changed_by(self, user: User) -> bool:
        """Of the files that `user` sees, their own; those of others only for staff."""
        return self.owner_id == user.id or user.is_staff

    def as_uploaded(self) -> dict[str, Any]:
        """What the published reference shows of it."""
        return {
            "id": self.public_id,
            "filename": self.filename,
            "size": self.size,
            "type": self.media_type,
            "status": self.status,
            "upload_url": links.signed(self.public_id, self.visibility),
            "created_at": rfc3339(self.created_at),
        }

    def as_processed(self) -> dict[str, Any]:
        """How its processing has gone, as the published reference shows it."""
        return {
            "id": self.public_id,
            "status": self.status,
            "processed_at": moment(self.processed_at),
            "chunks_created": self.chunks_created,
            "error": self.error or None,
        }

    def as_json(self) -> dict[str, Any]:
        """The file as the API shows it."""
        original = self.duplicate_of_id
        return {
            **self.as_uploaded(),
            "description": self.description,
            "tags": self.tags,
            "visibility": self.visibility,
            "sha256": self.sha256,
            "duplicate_of": original and ids.encode("file", original),
            **self.progress_as_json(),
        }

    def progress_as_json(self) -> dict[str, Any]:
        return {**self.as_processed(), "stage": self.stage, "progress": self.progress}


class Orphan(models.Model):
    """Bytes in storage that no file owns: not yet, or not any more. Deleted when `due_at` comes.

    The database makes one for each file that is deleted, whoever deletes it.
    """

    id = models.UUIDField(primary_key=True)  # of the file that would own them
    due_at = models.DateTimeField(db_index=True)
    taken = models.BooleanField(
        db_default=False, help_text="Their deletion has begun: no file can own them any more."
    )

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        return key_of(self.id)


def key_of(id: UUID) -> str:
    """Where the bytes are in storage. The folder is of the id's random end: they fill evenly."""
    return f"{id.hex[-2:]}/{id.hex}"


def moment(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None
