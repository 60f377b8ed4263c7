"""What the API remembers of requests that carried an Idempotency-Key."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class IdempotencyKey(models.Model):
    """One key of one account, for one method and path. In flight while `status` is None."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of method, path and key.")
    fingerprint = models.BinaryField(max_length=32, help_text="SHA-256 of content type and body.")
    token = models.UUIDField(help_text="Of the request that owns the key now.")
    locked_until = models.DateTimeField(help_text="The owner's lease: it renews it while it works.")
    reference = models.JSONField(null=True, help_text="What it made that outlives it.")
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True, help_text="Encrypted: answers may hold a secret.")
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "digest"], name="one_row_an_idempotency_key")
        ]

    def __str__(self) -> str:
        return f"idempotency key {self.pk}"
