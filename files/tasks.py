"""What workers do for files."""

from celery import shared_task
from django.db.models.functions import Now

from chatbot_project.api import workers
from files import claims, processing, services, slots, waking
from files.models import Orphan

BATCH = 100


@shared_task(ignore_result=True)
def process_files() -> None:
    """Processes one file that is due, if there is one, and calls for the next."""
    with slots.slot() as largest:
        processed = largest and processing.process_next(largest)
    if processed and claims.any_due():  # after the slot is free: whoever is called may take it
        waking.wake()


@shared_task(ignore_result=True)
def sweep_files() -> None:
    """What nobody was called for, or whose worker has died; bytes that are still there."""
    if claims.any_due():
        workers.call(waking.TASK, expires=waking.KEPT)
    due = Orphan.objects.filter(due_at__lte=Now()).order_by("due_at")
    for orphan in list(due[:BATCH]):
        services.remove(orphan)
