"""Calls a worker. What there is to do stands in the database: a lost call loses nothing."""

from chatbot_project.api import workers

TASK = "files.tasks.process_files"
DELETION = "files.tasks.delete_bytes"
KEPT = 60  # seconds: with no worker there, calls must not pile up


def wake() -> None:
    """Once the caller's transaction commits. With the broker down, beat will see to it."""
    workers.call_on_commit(TASK, expires=KEPT)


def wake_to_delete() -> None:
    """The same for bytes that no file owns any more."""
    workers.call_on_commit(DELETION, expires=KEPT)
