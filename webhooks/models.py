"""Events that happened, the endpoints that hear of them, and what became of telling them."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from chatbot_project.api import ids
from chatbot_project.api.errors import ResourceNotFound
from webhooks.signing import LONGEST_SECRET

LONGEST_URL = 2048
EVERYTHING = "*"


class Event(models.Model):
    """Something that happened to an account, as its endpoints are told. It never changes."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    # The two fields that recovery looks for share an index; the key alone sorts by time.
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="events", db_index=False)
    type = models.CharField(max_length=40)
    body = models.TextField(help_text="The JSON that is sent: the same bytes at every attempt.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["owner", "id"], name="events_of_an_owner")]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"

    @property
    def public_id(self) -> str:
        return ids.encode("evt", self.id)


class PublicQuerySet(models.QuerySet[Any]):
    prefix: str

    def get_public(self, public_id: str) -> Any:
        """What is behind this public id. Raises ResourceNotFound."""
        found = self.filter(pk=ids.decode(self.prefix, public_id)).first()
        if found is None:
            raise ResourceNotFound
        return found


class EndpointQuerySet(PublicQuerySet):
    prefix = "wh"


class DisabledReason(models.TextChoices):
    OWNER = "owner", "by its owner"
    GONE = "gone", "it answered 410 Gone"
    FAILING = "failing", "it failed for five days"


class Endpoint(models.Model):
    """An address that hears of an account's events."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="endpoints")
    url = models.CharField(max_length=LONGEST_URL)
    events = ArrayField(models.CharField(max_length=40), help_text="Types, or * for all.")
    description = models.CharField(max_length=200, blank=True)
    secret = models.BinaryField(max_length=4 * LONGEST_SECRET, help_text="Encrypted.")
    # [{"secret": encrypted, "until": seconds since 1970}]: they sign too, for a day.
    old_secrets = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=10, choices=DisabledReason, blank=True)
    disabled_at = models.DateTimeField(null=True)
    owner_told_at = models.DateTimeField(null=True)
    mailing_until = models.DateTimeField(null=True)  # the lease of who tells its owner
    # The breaker: rounds of attempts that failed since the last success, and the pause they earned.
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar = EndpointQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["disabled_at"],
                condition=Q(disabled_reason__in=["gone", "failing"], owner_told_at=None),
                name="endpoints_to_tell_of",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.encode("wh", self.id)


class Status(models.TextChoices):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DeliveryQuerySet(PublicQuerySet):
    prefix = "dlv"


class Delivery(models.Model):
    """One event on its way to one endpoint.

    Pending, it is due at `next_attempt_at`. Who takes it sets `claim` and moves that time to the
    end of its lease: a claim whose owner has died is due again by itself.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    # Found by the constraint's index: each index costs a delivery three writes.
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Of this round of the schedule.")
    next_attempt_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    completed_at = models.DateTimeField(null=True)

    objects: ClassVar = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["event", "endpoint"], name="one_delivery_of_an_event_to_an_endpoint"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(status="pending"),
                name="deliveries_due",
            ),
            models.Index(fields=["endpoint", "-created_at", "-id"], name="deliveries_of_endpoint"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.encode("dlv", self.id)


class Attempt(models.Model):
    """One try to deliver, and what came back."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    started_at = models.DateTimeField()
    duration = models.FloatField(help_text="Seconds.")
    status = models.PositiveSmallIntegerField(null=True, help_text="None: there was no answer.")
    error = models.CharField(max_length=20, blank=True)
    response = models.TextField(blank=True, help_text="The answer's body, cut at 16 kB.")

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.status or self.error} at {self.started_at}"
