"""Taking due deliveries: each is handed to one dispatcher, for as long as its lease runs."""

import time
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection

from webhooks.schedule import AT_ONCE, ROUNDS

LEASE = 30  # seconds: longer than an attempt takes, and than writing down what came of it

# Endpoint by endpoint, so that ten thousand deliveries to one do not stand before a single one to
# another: `waiting` jumps from endpoint to endpoint in the index of pending deliveries. Those that
# fail are given less room. The lock on an endpoint keeps two dispatchers from filling it at once;
# whoever finds it taken comes back. No lock of a delivery is waited for.
CLAIM = f"""
WITH RECURSIVE waiting (endpoint_id) AS (
    (SELECT endpoint_id FROM webhooks_delivery WHERE status = 'pending'
     ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhooks_delivery d
            WHERE d.status = 'pending' AND d.endpoint_id > waiting.endpoint_id
            ORDER BY d.endpoint_id LIMIT 1)
    FROM waiting WHERE waiting.endpoint_id IS NOT NULL
), able AS MATERIALIZED (
    SELECT e.id, greatest(0, greatest(1, {AT_ONCE} >> least(e.failures, {ROUNDS})::int) - (
        SELECT count(*) FROM webhooks_delivery c
        WHERE c.endpoint_id = e.id AND c.claim IS NOT NULL AND c.next_attempt_at > now()
    )) AS room
    FROM webhooks_endpoint e
    WHERE e.id IN (SELECT endpoint_id FROM waiting) AND e.enabled
        AND (e.paused_until IS NULL OR e.paused_until <= now())
    FOR NO KEY UPDATE OF e SKIP LOCKED
), due AS MATERIALIZED (
    SELECT d.id FROM (SELECT id, room FROM able ORDER BY random()) a CROSS JOIN LATERAL (
        SELECT id FROM webhooks_delivery
        WHERE endpoint_id = a.id AND status = 'pending' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT a.room FOR UPDATE SKIP LOCKED
    ) d LIMIT %s
)
UPDATE webhooks_delivery d
SET claim = %s, next_attempt_at = now() + make_interval(secs => {LEASE})
FROM due, webhooks_event v, webhooks_endpoint e
WHERE d.id = due.id AND v.id = d.event_id AND e.id = d.endpoint_id
RETURNING d.id, d.claim, d.tries, v.id, v.body, e.id, e.url, e.secret, e.old_secrets::text,
    e.failing_since IS NOT NULL
"""  # noqa: S608  (numbers of ours)


class Job(NamedTuple):
    """A delivery that is ours to make, with all that it takes."""

    delivery_id: UUID
    claim: UUID
    tries: int  # before this one
    event_id: UUID
    body: str
    endpoint_id: UUID
    url: str
    secret: bytes
    old_secrets: str  # JSON
    is_failing: bool  # the endpoint, until now


def claim(limit: int) -> list[Job]:
    """At most `limit` due deliveries, those longest due of each endpoint first."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [limit, uuid4()])
        return [Job(*row) for row in cursor.fetchall()]


def timed_claim(limit: int) -> tuple[list[Job], float]:
    """The same, and the seconds it took."""
    began = time.perf_counter()
    jobs = claim(limit)
    return jobs, time.perf_counter() - began


ANY_DUE = """
SELECT EXISTS (
    SELECT FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
    WHERE d.status = 'pending' AND d.next_attempt_at <= now() AND e.enabled
        AND (e.paused_until IS NULL OR e.paused_until <= now())
)
"""


def any_due() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(ANY_DUE)
        row: Any = cursor.fetchone()
        return bool(row[0])
