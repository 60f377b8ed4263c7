"""The queue: `celery -A chatbot_project worker` and `... beat`."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot_project.settings")

# It warns of pickles sent to a worker that runs as root: this one takes JSON alone.
warnings.filterwarnings("ignore", "You're running the worker with superuser privileges")

app = Celery("chatbot_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logs(**_: Any) -> None:
    """With a receiver here, Celery leaves logging as Django's settings have made it."""
