"""What workers do for accounts."""

from celery import shared_task

from accounts import deletion
from chatbot_project.api import workers


@shared_task
def delete_accounts() -> None:
    """Called when a deletion begins, by itself for the rest, and by beat for what was lost."""
    if deletion.delete_due():
        workers.call(deletion.TASK)
