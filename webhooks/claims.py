"""Taking due deliveries: each is handed to one dispatcher, for as long as its lease runs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection

from webhooks.schedule import AT_ONCE, ROUNDS

AHEAD = 20  # times what a quick endpoint gets at once: posting must not wait for the database
START_SECONDS = 3.0  # what has not been begun by then is given back
STORE_SECONDS = 5.0  # for writing down what came of an attempt

# Endpoint by endpoint, so that ten thousand deliveries to one do not stand before a single one to
# another: `waiting` jumps from endpoint to endpoint in the index of pending deliveries. Those known
# to be quick have some claimed ahead; those that fail are given less room. The lock on an endpoint
# keeps two dispatchers from filling it at once; whoever finds it taken comes back. No lock of a
# delivery is waited for. ANY(ARRAY()) finds them by their ids, whatever the planner believes of a
# table that has just grown.
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
    SELECT e.id, greatest(0, CASE
        WHEN e.failures > 0 THEN greatest(1, {AT_ONCE} >> least(e.failures, {ROUNDS})::int)
        WHEN e.id = ANY(%s) THEN {AT_ONCE * AHEAD} ELSE {AT_ONCE} END - (
        SELECT count(*) FROM webhooks_delivery c
        WHERE c.endpoint_id = e.id AND c.status = 'pending' AND c.claim IS NOT NULL
            AND c.next_attempt_at > now() AND c.next_attempt_at <= now() + make_interval(secs => %s)
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
SET claim = %s, next_attempt_at = now() + make_interval(secs => %s)
FROM webhooks_event v, webhooks_endpoint e
WHERE d.id = ANY(ARRAY(SELECT id FROM due)) AND v.id = d.event_id AND e.id = d.endpoint_id
RETURNING d.id, d.claim, d.tries, now(), v.id, v.body, e.id, e.url, e.secret,
    e.old_secrets::text, e.failing_since IS NOT NULL
"""  # noqa: S608  (numbers of ours)


class Job(NamedTuple):
    """A delivery that is ours to make, with all that it takes."""

    delivery_id: UUID
    claim: UUID
    tries: int  # before this one
    claimed_at: datetime  # by the database's clock
    event_id: UUID
    body: str
    endpoint_id: UUID
    url: str
    secret: bytes
    old_secrets: str  # JSON
    is_failing: bool  # the endpoint, until now


def claim(limit: int, quick: Collection[UUID] = ()) -> list[Job]:
    """At most `limit` due deliveries, those longest due of each endpoint first.

    `quick`: ids of endpoints that are known to answer quickly.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [list(quick), lease(), limit, uuid4(), lease()])
        return [Job(*row) for row in cursor.fetchall()]


def lease() -> float:
    """Seconds from a claim to the latest moment at which its outcome is stored."""
    return START_SECONDS + settings.WEBHOOK_TIMEOUT + STORE_SECONDS


RELEASE = """
UPDATE webhooks_delivery d SET claim = NULL, next_attempt_at = now()
FROM unnest(%s::uuid[], %s::uuid[]) AS mine (id, claim)
WHERE d.id = mine.id AND d.claim = mine.claim
"""


def release(jobs: Sequence[Job]) -> None:
    """Gives back what was not begun: it is due as before."""
    ids, claims = [job.delivery_id for job in jobs], [job.claim for job in jobs]
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, [ids, claims])


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
