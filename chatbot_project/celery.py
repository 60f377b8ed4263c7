"""The queue: `celery -A chatbot_project worker` and `... beat`."""

import mmap
import warnings
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_shutting_down

# It warns of pickles sent to a worker that runs as root: this one takes JSON alone.
warnings.filterwarnings("ignore", "You're running the worker with superuser privileges")

app = Celery("chatbot_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logs(**_: Any) -> None:
    """With a receiver here, Celery leaves logging as Django's settings have made it."""


# Shared with processes that a worker forks (--pool prefork), which hear of no signal themselves.
_stopping = mmap.mmap(-1, 1)


@worker_shutting_down.connect
def note_stopping(**_: Any) -> None:
    _stopping[0] = 1


def is_stopping() -> bool:
    """Whether this process's worker has been asked to end. It waits for its tasks, but whoever runs
    it does not wait for long: tasks that may take their time look here."""
    return bool(_stopping[0])
