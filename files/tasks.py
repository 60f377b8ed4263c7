"""What workers do for files."""

from celery import shared_task
from django.conf import settings

from chatbot_project.api import workers
from files import claims, processing, services, waking
from knowledge import slots

SMALL = 256 * 1024  # bytes: of plain text, a quarter of a minute's work


@shared_task(ignore_result=True)
def process_files() -> None:
    """Processes one file that is due, if there is one, and calls for the next."""
    largest = largest_by_slot()
    with slots.slot(largest) as name:
        processed = name and processing.process_next(largest[name])
    if processed and claims.any_due():  # after the slot is free: whoever is called may take it
        waking.wake()


def largest_by_slot() -> dict[str, int]:
    """How many bytes a file may have. There is one slot more than the settings say, for small texts
    alone: none of them waits behind a book."""
    any_size = {f"file-{number}": claims.ANY_SIZE for number in range(settings.FILES_AT_ONCE)}
    return any_size | {"small-file": SMALL}


@shared_task(ignore_result=True)
def sweep_files() -> None:
    """What nobody was called for, or whose worker has died; bytes that are still there."""
    if claims.any_due():
        workers.call(waking.TASK, expires=waking.KEPT)
    delete_bytes()


@shared_task(ignore_result=True)
def delete_bytes() -> None:
    """Of deleted files. One worker of a machine does it: where storage hangs, others are free."""
    with slots.slot(["orphans"]) as free:
        if free:
            services.remove_due()
