"""What workers do for documents."""

from uuid import UUID

from celery import shared_task

from chatbot_project.api import workers
from documents import indexing
from knowledge import slots

SLOTS = ["document-0", "document-1"]  # a large one takes a minute: others must not all wait for it


@shared_task
def index_document(document_id: str) -> None:
    """Calls for the next one, too. May run twice, or late: only what is due is done, by whoever
    claims it; nothing while all slots are taken."""
    free = ""
    try:
        with slots.slot(SLOTS) as free:
            if free:
                indexing.index(UUID(document_id))
    finally:  # once the slot is free: whoever is called may take it
        if free and (following := indexing.next_due()):
            workers.call(indexing.TASK, str(following), expires=indexing.CALL_KEPT)


@shared_task
def sweep_indexing() -> None:
    """Calls a worker for whatever is still due."""
    for document_id in indexing.lost():
        workers.call(indexing.TASK, str(document_id), expires=indexing.CALL_KEPT)
