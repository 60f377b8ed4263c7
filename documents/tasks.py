"""What workers do for documents."""

from uuid import UUID

from celery import shared_task

from chatbot_project.api import workers
from documents import indexing


@shared_task
def index_document(document_id: str) -> None:
    """May run twice, or late: only what is due is done, by whoever claims it."""
    indexing.index(UUID(document_id))


@shared_task
def sweep_indexing() -> None:
    """Calls a worker for whatever is still due."""
    for document_id in indexing.lost():
        workers.call(indexing.TASK, str(document_id))
