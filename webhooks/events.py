"""The one door for what happens elsewhere: `emit` in the transaction of the change."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from chatbot_project.api import ids
from chatbot_project.api.times import rfc3339
from webhooks import waking
from webhooks.catalogue import CATALOGUE

Json = dict[str, Any]

LONGEST_CONTENT = 16_384  # bytes
WHOLE = {"chat.message"}  # their payload is the published one: nothing is cut, nothing added

# A UUIDv7 as `chatbot_project.api.ids` makes them, for rows that only the database counts: 48 bits
# of milliseconds over a random UUID, its version 4 (0100) made 7 (0111).
UUID7 = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
    FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"""

# Whether an account has an endpoint: most have none, and nothing more is done for them. As a part
# of a statement that runs anyway it costs next to nothing; alone, ten times as much.
IS_HEARD = "EXISTS (SELECT FROM webhooks_endpoint WHERE owner_id = %s)"

# The lock keeps an endpoint from being deleted before its delivery is there.
EMIT = f"""
WITH mine AS MATERIALIZED (
    SELECT id, events, enabled FROM webhooks_endpoint WHERE owner_id = %s FOR KEY SHARE
), happened AS (
    INSERT INTO webhooks_event (id, owner_id, type, body, created_at)
    SELECT new.id, %s, new.type, new.body, %s
    FROM (VALUES {{rows}}) AS new (id, type, body)
    WHERE EXISTS (SELECT FROM mine)
    RETURNING id, type
)
INSERT INTO webhooks_delivery
    (id, event_id, endpoint_id, status, tries, next_attempt_at, created_at)
SELECT {UUID7}, happened.id, mine.id, 'pending', 0, now(), now()
FROM happened JOIN mine ON mine.enabled AND mine.events && ARRAY[happened.type, '*']::varchar[]
"""  # noqa: S608  (no value is part of it)


def emit(type: str, owner: User | UUID, data: Json) -> None:
    """Tells the owner's endpoints that something happened, if the caller's transaction commits.

    `type` is one of the catalogue; `data` is plain JSON, its `content` cut at 16 kB (and then
    `truncated: true`), but for what the reference prints. Costs two statements; one, and no work
    on `data`, for an account that has no endpoint: nothing is kept of what happens to it.
    Raises TransactionManagementError outside a transaction.
    """
    emit_all(owner, [(type, data)])


def emit_all(owner: User | UUID, events: Sequence[tuple[str, Json]]) -> None:
    """Several events of one change, `(type, data)` each, for the price of one."""
    owner_id = owner.pk if isinstance(owner, User) else owner
    if is_heard(owner_id):
        emit_heard(owner_id, events)


def is_heard(owner_id: UUID) -> bool:
    """What IS_HEARD says. Raises TransactionManagementError outside a transaction: whether an
    event is heard is settled in that of its change."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("An event belongs to the change it tells of.")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {IS_HEARD}", [owner_id])
        return bool(cursor.fetchone()[0])


def emit_heard(owner_id: UUID, events: Sequence[tuple[str, Json]]) -> None:
    """`emit_all` for callers whose transaction has asked IS_HEARD, and was told that it is so."""
    now = timezone.now()
    rows: list[Any] = []
    for type, data in events:
        id = ids.uuid7()
        rows += [id, type, body_of(id, type, rfc3339(now), data)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(len(events)), [owner_id, owner_id, now, *rows])
        deliveries = cursor.rowcount
    if deliveries:
        transaction.on_commit(waking.wake, robust=True)


@cache
def _statement(events: int) -> str:
    """Not with arrays: making them ready takes as long as all the rest."""
    return EMIT.format(rows=", ".join(["(%s::uuid, %s::text, %s::text)"] * events))


def body_of(id: UUID, type: str, timestamp: str, data: Json) -> str:
    """The JSON that endpoints receive. Raises KeyError for a type that is not in the catalogue."""
    CATALOGUE[type]
    shown = data if type in WHOLE else shortened(data)
    return render(id, type, timestamp, shown)


def render(id: UUID, type: str, timestamp: str, data: Json) -> str:
    body = {"id": ids.encode("evt", id), "event": type, "timestamp": timestamp, "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def shortened(data: Json) -> Json:
    """`data` with its `content` within 16 kB of UTF-8."""
    content = data.get("content")
    if not isinstance(content, str) or len(content) * 4 <= LONGEST_CONTENT:
        return data
    encoded = content.encode()
    if len(encoded) <= LONGEST_CONTENT:
        return data
    return {**data, "content": encoded[:LONGEST_CONTENT].decode(errors="ignore"), "truncated": True}
