"""Housekeeping of the API's own records."""

from celery import shared_task
from django.db.models.functions import Now

from chatbot_project.api.idempotency import KEPT
from chatbot_project.api.models import IdempotencyKey

BATCH = 1000


@shared_task(ignore_result=True)
def prune_idempotency_keys() -> int:
    """Deletes keys older than a day, a batch at a time, so that no lock is held for long."""
    old = IdempotencyKey.objects.filter(created_at__lt=Now() - KEPT)
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        deleted += IdempotencyKey.objects.filter(pk__in=batch).delete()[0]
    return deleted
