"""Events and all that belongs to them go after WEBHOOK_RETENTION_DAYS."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

BATCH = 1000

# By their ids, which sort by time. What is being sent in this moment stays until the next time.
PRUNE = """
WITH old AS MATERIALIZED (
    SELECT v.id FROM webhooks_event v
    WHERE v.id < %s AND NOT EXISTS (
        SELECT FROM webhooks_delivery d
        WHERE d.event_id = v.id AND d.claim IS NOT NULL AND d.next_attempt_at > now()
    )
    ORDER BY v.id LIMIT %s
), delivery AS (
    DELETE FROM webhooks_delivery d USING old WHERE d.event_id = old.id RETURNING d.id
), attempt AS (
    DELETE FROM webhooks_attempt a USING delivery WHERE a.delivery_id = delivery.id
)
DELETE FROM webhooks_event v USING old WHERE v.id = old.id
"""


KEPT_ATTEMPTS = 100  # of a delivery, when it is sent again: it can be, without end
TRIM_ATTEMPTS = """
DELETE FROM webhooks_attempt a
USING unnest(%s::uuid[]) AS again (id) CROSS JOIN LATERAL (
    SELECT id FROM webhooks_attempt WHERE delivery_id = again.id ORDER BY id DESC OFFSET %s LIMIT 1
) latest
WHERE a.delivery_id = again.id AND a.id <= latest.id
"""


def trim_attempts(deliveries: Sequence[UUID]) -> None:
    """Deletes all but the latest KEPT_ATTEMPTS of each of these deliveries."""
    with connection.cursor() as cursor:
        cursor.execute(TRIM_ATTEMPTS, [list(deliveries), KEPT_ATTEMPTS])


def prune() -> int:
    """Deletes old events with all that belongs to them, a batch at a time. Returns how many."""
    bound = first_id(datetime.now(UTC) - timedelta(days=settings.WEBHOOK_RETENTION_DAYS))
    pruned = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(PRUNE, [bound, BATCH])
            batch = cursor.rowcount
        pruned += batch
        if batch < BATCH:
            return pruned


def first_id(moment: datetime) -> UUID:
    """The least UUIDv7 of this moment: ids made before it are less, the others greater."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


def moment_of(id: UUID) -> datetime:
    """When this UUIDv7 was made."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
