"""Everything that writes files: adding, changing, deleting them. Their processing has its own."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest

from accounts.models import User
from chatbot_project.api import idempotency, ids
from chatbot_project.api.errors import Conflict
from chatbot_project.celery import is_stopping
from files import quotas, storage, twins, waking
from files.models import Orphan, Stage, Status, StoredFile
from files.uploads import Upload
from knowledge.models import Source
from knowledge.services import change_labels, delete_source
from knowledge.vectors import release_connection
from webhooks.events import emit

log = structlog.get_logger("files")

CANCELLED = "Processing was cancelled."
STORING = timedelta(hours=1)  # within which an upload's bytes must be stored and have their file
RETRY = timedelta(minutes=10)  # when bytes could not be deleted
PAUSE = timedelta(minutes=5)  # then, for all others: storage may take 90 seconds to fail
TURN = 20.0  # seconds; then the worker's other tasks have theirs
MOST_DELETED = 100  # files in one transaction


def expect_bytes(owner: User, size: int) -> Orphan:
    """What is about to be stored belongs to nobody yet. Raises QuotaExceeded, so that much is not
    stored in vain."""
    quotas.check(owner, size)
    return Orphan.objects.create(id=ids.uuid7(), due_at=Now() + STORING)


@transaction.atomic
def add_file(request: HttpRequest, owner: User, orphan: Orphan, upload: Upload) -> StoredFile:
    """The file whose bytes have been stored for `orphan`. Its processing is due.

    Raises QuotaExceeded; Conflict when storing took so long that the bytes are gone.
    """
    quotas.check(quotas.hold(owner), upload.size)
    if not Orphan.objects.filter(pk=orphan.pk, taken=False).delete()[0]:
        raise Conflict("Storing the file took too long. Send it again.")
    file = StoredFile(
        id=orphan.pk,
        owner=owner,
        filename=upload.filename,
        size=upload.size,
        sha256=upload.sha256,
        media_type=upload.media_type,
        duplicate_of=twins.original(owner, upload.sha256),
        due_at=Now(),
        **upload.fields,
    )
    file.save(force_insert=True)
    idempotency.attach(request, {"file": file.id.hex})
    emit("file.uploaded", owner, file.as_uploaded())
    waking.wake()
    return file


@transaction.atomic
def change_file(file: StoredFile, **changes: Any) -> StoredFile:
    """`description`, `tags`, `visibility`. Raises StoredFile.DoesNotExist."""
    held: StoredFile = StoredFile.objects.locked().get(pk=file.pk)
    for name, value in changes.items():
        setattr(held, name, value)
    held.save(update_fields=list(changes))
    for source in Source.objects.filter(pk=held.pk):
        change_labels(source, held.visibility, tags=held.tags)
    return held


@transaction.atomic
def delete_file(file: StoredFile) -> None:
    """With its chunks and their vectors; whoever is processing it ends. Its bytes go once this is
    committed, those in a bucket by a worker: nobody can get at them any more, and a bucket may keep
    whoever deletes them waiting."""
    for held in StoredFile.objects.locked().filter(pk=file.pk):
        twins.release(held)
        held.delete()
        forget(file.pk)  # after all rows of files: who copies its chunks takes them so too
    if settings.S3_BUCKET:
        waking.wake_to_delete()
    else:
        remove_on_commit(Orphan(pk=file.pk))


@transaction.atomic
def delete_files_of(owner: User) -> bool:
    """Some of them, before their account is deleted. False: there was none.

    Their chunks go with the account's sources; a worker deletes their bytes."""
    some = StoredFile.objects.locked().filter(owner=owner).order_by("pk")[:MOST_DELETED]
    found = list(some.values_list("pk", flat=True))
    StoredFile.objects.filter(pk__in=found).delete()
    if found:
        waking.wake_to_delete()
    return bool(found)


def forget(file_id: UUID) -> None:
    """Nothing of it is found any more."""
    for source in Source.objects.filter(pk=file_id):
        delete_source(source)


def abandon(orphan: Orphan) -> None:
    """The sweep deletes what has been stored of it."""
    Orphan.objects.filter(pk=orphan.pk).update(due_at=Now())


def remove_due() -> None:
    """Deletes bytes that no file owns, for a while. Where that fails, all others wait as well, but
    come first then: it may be storage, or this file's alone."""
    end = time.monotonic() + TURN
    due = Orphan.objects.filter(due_at__lte=Now()).order_by("due_at")
    untried = due.filter(taken=False)
    while time.monotonic() < end and not is_stopping():
        orphan = untried.first() or due.first()
        if orphan is None:
            return
        if not remove(orphan):
            due.update(due_at=Now() + PAUSE)


def remove_on_commit(orphan: Orphan) -> None:
    """What fails then is left to the sweep."""

    def remove_bytes() -> None:  # Django names a robust hook that fails: a `partial` has no name
        remove(orphan)

    transaction.on_commit(remove_bytes, robust=True)


def remove(orphan: Orphan) -> bool:
    """Deletes bytes that no file owns, if they still are nobody's and due. False: storage fails."""
    due = Orphan.objects.filter(pk=orphan.pk, due_at__lte=Now())
    if not due.update(due_at=Now() + RETRY, taken=True):
        return True
    release_connection()
    try:
        storage.delete(orphan.key)
    except OSError as error:
        log.error("bytes could not be deleted", key=orphan.key, exc_info=error)
        return False
    Orphan.objects.filter(pk=orphan.pk).delete()
    return True


@transaction.atomic
def reprocess(file: StoredFile) -> StoredFile:
    """Makes its chunks anew. Those it has are found until then, or for good where that fails.

    Raises Conflict while it is being processed, StoredFile.DoesNotExist.
    """
    held: StoredFile = StoredFile.objects.locked().get(pk=file.pk)
    if held.status == Status.PROCESSING:
        raise Conflict("The file is being processed. Wait for its end, or cancel it.")
    fresh = {"attempts": 0, "failures": 0, "error": "", "processed_at": None, "copies": False}
    begun = {"status": Status.PROCESSING, "stage": Stage.QUEUED, "progress": 0, "due_at": Now()}
    StoredFile.objects.filter(pk=held.pk).update(**fresh, **begun)
    waking.wake()
    held.refresh_from_db()
    return held


@transaction.atomic
def cancel(file: StoredFile) -> StoredFile:
    """Ends its processing, which fails. Raises Conflict where it has ended already,
    StoredFile.DoesNotExist."""
    held: StoredFile = StoredFile.objects.locked().get(pk=file.pk)
    if held.status != Status.PROCESSING:
        raise Conflict("The file is not being processed.")
    fail(held, CANCELLED)
    return held


def fail(held: StoredFile, reason: str) -> None:
    """Ends the processing of a file whose row the caller's transaction holds. Chunks that it has
    from an earlier one stay: they are of the same bytes."""
    held.status, held.error = Status.FAILED, reason
    held.due_at, held.claim = None, None
    held.save(update_fields=["status", "error", "due_at", "claim"])
    finish(held)


def finish(held: StoredFile) -> None:
    """What is done when processing has ended, however: its moment, those who wait, the event."""
    StoredFile.objects.filter(pk=held.pk).update(processed_at=Now())
    held.refresh_from_db(fields=["processed_at"])
    twins.release(held)
    emit("file.processed", held.owner_id, held.as_processed())
