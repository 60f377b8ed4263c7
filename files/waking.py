"""Calls a worker. What there is to do stands in the database: a lost call loses nothing."""

from functools import partial

from django.db import transaction

from chatbot_project.celery import app

TASK = "files.tasks.process_files"
KEPT = 60  # seconds: with no worker there, calls must not pile up


def wake() -> None:
    """Once the caller's transaction commits. With the broker down, beat will see to it."""
    call = partial(app.send_task, TASK, expires=KEPT, retry=False)
    transaction.on_commit(call, robust=True)
