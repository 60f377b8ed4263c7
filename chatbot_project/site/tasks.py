"""A sign of life from the workers, for /readyz, and the housekeeping of pages."""

import redis
from celery import shared_task
from django.conf import settings
from django.core.management import call_command

WORKER_SEEN = "worker:seen"
KEPT = 60  # seconds


@shared_task(ignore_result=True)
def note_worker() -> None:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
        client.set(WORKER_SEEN, 1, ex=KEPT)


@shared_task(ignore_result=True)
def clear_sessions() -> None:
    """Deletes the sessions that have expired; Django never does of itself."""
    call_command("clearsessions")
