"""Files of one account with the same bytes: the first is processed, the others take its chunks."""

from django.db.models.functions import Now

from accounts.models import User
from files import waking
from files.models import FileQuerySet, Status, StoredFile


def original(owner: User, sha256: str) -> StoredFile | None:
    """The oldest file of the owner with these bytes."""
    same = StoredFile.objects.filter(owner=owner, sha256=sha256)
    return same.order_by("created_at", "id").first()


def twins_of(file: StoredFile) -> FileQuerySet:
    """Other files of the owner whose chunks would be the same: each type is read in its own way."""
    same: FileQuerySet = StoredFile.objects.filter(
        owner_id=file.owner_id, sha256=file.sha256, media_type=file.media_type
    )
    return same.exclude(pk=file.pk)


def ready(file: StoredFile) -> StoredFile | None:
    """One whose chunks `file` can take."""
    return twins_of(file).filter(status=Status.COMPLETED).order_by("id").first()


def in_the_making(file: StoredFile) -> bool:
    """Whether an older one is being processed. Only older ones: none waits in a circle."""
    return twins_of(file).filter(status=Status.PROCESSING, id__lt=file.id).exists()


def release(file: StoredFile) -> None:
    """Those that have waited for `file` are due at once.

    One whose row somebody holds is passed over: that may be its own release, waiting for our row.
    """
    waiting = twins_of(file).filter(status=Status.PROCESSING, claim=None)
    free = waiting.select_for_update(skip_locked=True, no_key=True)
    if found := list(free.values_list("pk", flat=True)):
        StoredFile.objects.filter(pk__in=found).update(due_at=Now())
        waking.wake()
