"""Making and changing endpoints; sending again what an endpoint has missed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from chatbot_project.api import ids
from chatbot_project.api.encryption import encrypt
from chatbot_project.api.errors import Conflict, InvalidRequest, QuotaExceeded, ResourceNotFound
from chatbot_project.api.times import rfc3339
from webhooks import events, health, settling, signing, targets, waking
from webhooks.catalogue import PING
from webhooks.models import Delivery, DisabledReason, Endpoint, Event, Status
from webhooks.retention import first_id, trim_attempts

OVERLAP = timedelta(hours=24)
OLD_SECRETS = 5  # that sign beside the newest


def create_endpoint(
    owner: User, *, url: str, events: list[str], secret: str | None = None, **fields: Any
) -> tuple[Endpoint, str | None]:
    """The endpoint and, where none was given, the secret made for it: nobody can show it again.

    Every event that commits after this returns finds it, unless its transaction has outlasted the
    wait for it (`settling.LONGEST`). Raises InvalidRequest for a URL that can never be reached,
    QuotaExceeded (max_endpoints).
    """
    check_url(url)
    made = None if secret else signing.make_secret()
    endpoint = Endpoint(owner=owner, url=url, events=events, **fields)
    endpoint.secret = encrypt((secret or made or "").encode())
    if not endpoint.enabled:
        endpoint.disabled_reason, endpoint.disabled_at = DisabledReason.OWNER, timezone.now()
    with transaction.atomic():
        _check_room(owner)
        endpoint.save(force_insert=True)
    settling.wait_for_transactions()
    endpoint.refresh_from_db()
    return endpoint, made


def check_url(url: str) -> None:
    try:
        targets.check(url)
    except targets.BadUrl as error:
        raise InvalidRequest(invalid_fields={"url": [str(error)]}) from None


def _check_room(owner: User) -> None:
    """Exact: endpoints of one account are made one by one."""
    locked = User.objects.select_related("tier").select_for_update(of=("self",), no_key=True)
    limit = locked.get(pk=owner.pk).tier.max_endpoints
    used = count_endpoints(owner)
    if used >= limit:
        raise QuotaExceeded(
            f"This account may have {limit} webhook endpoints: delete one first.",
            quota="max_endpoints",
            limit=limit,
            used=used,
            resets_at=None,
        )


def count_endpoints(owner: User) -> int:
    return Endpoint.objects.filter(owner=owner).count()


def change_endpoint(endpoint: Endpoint, **changes: Any) -> Endpoint:
    """`url`, `events`, `description`, `enabled`. Another address, or being enabled, begins anew:
    what it failed before is forgotten. Raises InvalidRequest, ResourceNotFound."""
    if "url" in changes:
        check_url(changes["url"])
    with transaction.atomic():
        found = held(endpoint)
        enabled = changes.pop("enabled", found.enabled)
        fresh = found.url != changes.get("url", found.url) or (enabled and not found.enabled)
        _apply(found, {**changes, **(health.WELL if fresh else {}), "updated_at": Now()})
        if enabled != found.enabled:
            _switch(found, enabled)
        found.save()
    waking.wake()
    found.refresh_from_db()
    changed: Endpoint = found
    return changed


def held(endpoint: Endpoint) -> Any:
    """As it is now, with the time `now`, locked for the rest of the transaction. Whoever locks
    deliveries too does that afterwards. Raises ResourceNotFound: it has been deleted meanwhile."""
    locked = Endpoint.objects.select_for_update(no_key=True).annotate(now=Now())
    found = locked.filter(pk=endpoint.pk).first()
    if found is None:
        raise ResourceNotFound
    return found


def _apply(endpoint: Endpoint, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(endpoint, name, value)


def _switch(endpoint: Any, enabled: bool) -> None:
    if not enabled:
        health.disable(endpoint, DisabledReason.OWNER)
        return
    endpoint.enabled, endpoint.disabled_reason = True, ""
    endpoint.disabled_at = endpoint.owner_told_at = None


@transaction.atomic
def rotate_secret(endpoint: Endpoint, secret: str | None = None) -> tuple[Endpoint, str | None]:
    """As `create_endpoint`. For a day both sign, the old one and the new one."""
    made = None if secret else signing.make_secret()
    found = held(endpoint)
    now = datetime.now(UTC)
    until = int((now + OVERLAP).timestamp())
    old = {"secret": bytes(found.secret).decode(), "until": until}
    kept = [older for older in found.old_secrets if older["until"] > now.timestamp()]
    found.old_secrets = [old, *kept][:OLD_SECRETS]
    found.secret = encrypt((secret or made or "").encode())
    found.updated_at = now
    found.save(update_fields=["secret", "old_secrets", "updated_at"])
    return found, made


@transaction.atomic
def ping(endpoint: Endpoint) -> Delivery:
    """Sends a test event to this endpoint alone. Raises Conflict while it is disabled."""
    _hold_enabled(endpoint)
    id = ids.uuid7()
    data = {"webhook_id": endpoint.public_id}
    body = events.render(id, PING, rfc3339(timezone.now()), data)
    event = Event.objects.create(id=id, owner_id=endpoint.owner_id, type=PING, body=body)
    delivery: Delivery = endpoint.deliveries.create(event=event, next_attempt_at=Now())
    _end_pause(endpoint)
    return delivery


@transaction.atomic
def redeliver(delivery: Delivery) -> None:
    """Sends it again, whatever became of it, on a schedule begun anew. One that is being sent in
    this moment is not sent twice. Raises Conflict while its endpoint is disabled."""
    _hold_enabled(delivery.endpoint)
    _requeue(Delivery.objects.filter(pk=delivery.pk).exclude(_being_sent()))
    _end_pause(delivery.endpoint)


def _being_sent() -> Q:
    return Q(status=Status.PENDING, claim__isnull=False, next_attempt_at__gt=Now())


def _requeue(deliveries: QuerySet[Delivery]) -> int:
    """Its endpoint held. What another transaction has locked is being dealt with there."""
    free = deliveries.select_for_update(skip_locked=True, no_key=True)
    queued = list(free.values_list("pk", flat=True))
    trim_attempts(queued)
    return Delivery.objects.filter(pk__in=queued).update(
        status=Status.PENDING, tries=0, next_attempt_at=Now(), claim=None, completed_at=None
    )


def _hold_enabled(endpoint: Endpoint) -> None:
    """Raises ResourceNotFound, Conflict."""
    if not held(endpoint).enabled:
        raise Conflict("This endpoint is disabled: enable it first.")


def _end_pause(endpoint: Endpoint) -> None:
    """Who asks for something to be sent has reason to believe that it will arrive."""
    Endpoint.objects.filter(pk=endpoint.pk).update(paused_until=None)
    transaction.on_commit(waking.wake, robust=True)


BATCH = 1000  # events: what a transaction holds up is held up for a moment
# Events of its types that it was never sent: it was disabled, or did not ask for them then.
ADD_MISSED = f"""
INSERT INTO webhooks_delivery
    (id, event_id, endpoint_id, status, tries, next_attempt_at, created_at)
SELECT {events.UUID7}, v.id, e.id, 'pending', 0, now(), now()
FROM webhooks_endpoint e JOIN webhooks_event v ON v.owner_id = e.owner_id
WHERE e.id = %s AND v.id = ANY(%s) AND v.type <> '{PING}'
    AND e.events && ARRAY[v.type, '*']::varchar[]
ON CONFLICT (event_id, endpoint_id) DO NOTHING
"""  # noqa: S608  (names of ours)


HAS_FAILED = Q(status=Status.FAILED) | Q(status=Status.PENDING, tries__gt=0)


def recover(endpoint: Endpoint, since: datetime) -> int:
    """Sends everything since then that has failed, waits to be tried again, or was never sent, on a
    schedule begun anew. Returns how many deliveries. Where it fails half-way it can be called
    again: what has been queued is not queued twice. What is committing while it is called is part
    of it, as in `create_endpoint`: it may have found the endpoint disabled.

    Raises InvalidRequest for a moment before what is kept or after now, Conflict while disabled.
    """
    now = timezone.now()
    oldest = now - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    if not oldest <= since <= now:
        reason = f"Must be within the last {settings.WEBHOOK_RETENTION_DAYS} days."
        raise InvalidRequest(invalid_fields={"since": [reason]})
    settling.wait_for_transactions()
    first: UUID | None = first_id(since)
    recovered = 0
    while first:
        queued, first = _recover_batch(endpoint, first)
        recovered += queued
    _end_pause(endpoint)
    return recovered


@transaction.atomic
def _recover_batch(endpoint: Endpoint, first: UUID) -> tuple[int, UUID | None]:
    """How many deliveries of the events from `first` on, and the first one of the next batch."""
    _hold_enabled(endpoint)
    happened = Event.objects.filter(owner_id=endpoint.owner_id, id__gte=first).order_by("id")
    found = list(happened.values_list("pk", flat=True)[: BATCH + 1])
    batch = found[:BATCH]
    missed = endpoint.deliveries.filter(HAS_FAILED, event_id__in=batch).exclude(_being_sent())
    queued = _requeue(missed)
    with connection.cursor() as cursor:
        cursor.execute(ADD_MISSED, [endpoint.pk, batch])
        queued += cursor.rowcount
    return queued, found[BATCH] if len(found) > BATCH else None
