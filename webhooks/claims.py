"""Taking due deliveries: each is handed to one dispatcher, for as long as its lease runs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection

from webhooks.schedule import AT_ONCE, ROUNDS

PER_OWNER = 100  # posts at once to all endpoints of an account
AHEAD = 20  # times what a quick endpoint gets at once: posting must not wait for the database
START_SECONDS = 3.0  # what has not been begun by then is given back
STORE_SECONDS = 5.0  # for writing down what came of an attempt
NO_PLACES: Mapping[UUID, int] = {}

# Disabled or resting ones and those of an account that is shut keep what waits for them.
IS_SERVED = """e.enabled AND (e.paused_until IS NULL OR e.paused_until <= now())
        AND EXISTS (SELECT FROM accounts_user u WHERE u.id = e.owner_id AND u.is_active)"""

# Endpoint by endpoint, so that ten thousand deliveries to one do not stand before a single one to
# another: `waiting` jumps from endpoint to endpoint in the index of pending deliveries. Those known
# to be quick have some claimed ahead; those that fail are given less room; the others of an account
# share what room it has, and accounts take turns. The lock on an endpoint keeps two dispatchers
# from filling it at once; whoever finds it taken comes back. No lock of a delivery is waited for.
# ANY(ARRAY()) finds them by their ids, whatever the planner believes of a table that has just
# grown.
CLAIM = f"""
WITH RECURSIVE waiting (endpoint_id, due_at) AS (
    (SELECT endpoint_id, next_attempt_at FROM webhooks_delivery WHERE status = 'pending'
     ORDER BY endpoint_id, next_attempt_at LIMIT 1)
    UNION ALL
    SELECT following.* FROM waiting CROSS JOIN LATERAL (
        SELECT d.endpoint_id, d.next_attempt_at FROM webhooks_delivery d
        WHERE d.status = 'pending' AND d.endpoint_id > waiting.endpoint_id
        ORDER BY d.endpoint_id, d.next_attempt_at LIMIT 1) following
), able AS MATERIALIZED (
    SELECT e.id, e.owner_id, e.failures = 0 AND e.id = ANY(%s) AS is_quick, CASE
        WHEN e.failures > 0 THEN greatest(1, {AT_ONCE} >> least(e.failures, {ROUNDS})::int)
        WHEN e.id = ANY(%s) THEN {AT_ONCE * AHEAD} ELSE {AT_ONCE} END - (
        SELECT count(*) FROM webhooks_delivery c
        WHERE c.endpoint_id = e.id AND c.status = 'pending' AND c.claim IS NOT NULL
            AND c.next_attempt_at > now() AND c.next_attempt_at <= now() + make_interval(secs => %s)
    ) AS room
    FROM webhooks_endpoint e
    WHERE e.id IN (SELECT endpoint_id FROM waiting WHERE due_at <= now()) AND {IS_SERVED}
    FOR NO KEY UPDATE OF e SKIP LOCKED
), shared AS (
    SELECT id, is_quick, room, row_number() OVER (alike ORDER BY random()) AS turn,
        count(*) OVER alike AS sharers, coalesce(places, {PER_OWNER}) AS places
    FROM able LEFT JOIN unnest(%s::uuid[], %s::int[]) AS owner (owner_id, places) USING (owner_id)
    WHERE room > 0
    WINDOW alike AS (PARTITION BY owner_id, is_quick)
), fair AS (
    SELECT id, CASE WHEN is_quick THEN room
        ELSE least(room, greatest(1, places / sharers)) END AS room
    FROM shared WHERE is_quick OR turn <= places ORDER BY turn, random()
), due AS MATERIALIZED (
    SELECT d.id FROM fair CROSS JOIN LATERAL (
        SELECT id FROM webhooks_delivery
        WHERE endpoint_id = fair.id AND status = 'pending' AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT fair.room FOR UPDATE SKIP LOCKED
    ) d LIMIT %s
)
UPDATE webhooks_delivery d
SET claim = %s, next_attempt_at = now() + make_interval(secs => %s)
FROM webhooks_event v, webhooks_endpoint e
WHERE d.id = ANY(ARRAY(SELECT id FROM due)) AND v.id = d.event_id AND e.id = d.endpoint_id
RETURNING d.id, d.claim, d.tries, now(), v.id, v.body, e.id, e.owner_id, e.url, e.secret,
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
    owner_id: UUID
    url: str
    secret: bytes
    old_secrets: str  # JSON
    is_failing: bool  # the endpoint, until now


def claim(
    limit: int, quick: Collection[UUID] = (), places: Mapping[UUID, int] = NO_PLACES
) -> list[Job]:
    """At most `limit` due deliveries, those longest due of each endpoint first.

    `quick`: ids of endpoints that are known to answer quickly. `places`: how many may be claimed
    for all others of an account, by its id; PER_OWNER where it is not named.
    """
    known, owners, rooms = list(quick), list(places), list(places.values())
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [known, known, lease(), owners, rooms, limit, uuid4(), lease()])
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


ANY_DUE = f"""
SELECT EXISTS (
    SELECT FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
    WHERE d.status = 'pending' AND d.next_attempt_at <= now() AND {IS_SERVED}
)
"""  # noqa: S608  (names of ours)


def any_due() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(ANY_DUE)
        row: Any = cursor.fetchone()
        return bool(row[0])
