"""The events of running answers in Redis streams, for readers at other processes and later ones.

One writer a process sends what has gathered for a few milliseconds, so that many answers share a
round trip: alone, an event costs three times as much. With Redis down events are dropped: only
resuming elsewhere suffers.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import AsyncIterator
from functools import cache
from typing import NamedTuple
from uuid import UUID

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

KEPT_SECONDS = 900
GATHER_SECONDS = 0.02
BLOCK_MILLISECONDS = 1_000  # then the reader asks the database whether there is more to come
PAUSE_SECONDS = 5  # without trying, after Redis failed


class Entry(NamedTuple):
    number: int
    event: bytes


_pending: dict[UUID, list[Entry]] = {}
_writer: asyncio.Task[None] | None = None
_paused_until = 0.0


@cache
def _client() -> redis.asyncio.Redis:
    return redis.asyncio.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=BLOCK_MILLISECONDS / 1000 + 2
    )


def _key(message_id: UUID) -> str:
    return f"chat:events:{message_id.hex}"


def add(message_id: UUID, number: int, event: bytes) -> None:
    """Queues an event; returns at once."""
    global _writer
    if time.monotonic() < _paused_until:
        return
    _pending.setdefault(message_id, []).append(Entry(number, event))
    if _writer is None or _writer.done():
        _writer = asyncio.create_task(_write_pending(), context=contextvars.Context())


async def close() -> None:
    """At the end of the process, when everything queued has been written or dropped."""
    if _writer is not None:
        await _writer
    if _client.cache_info().currsize:
        await _client().aclose()
        _client.cache_clear()


async def _write_pending() -> None:
    global _paused_until
    while _pending:
        batch = dict(_pending)
        _pending.clear()
        try:
            await _write(batch)
        except (RedisError, OSError) as error:
            _paused_until = time.monotonic() + PAUSE_SECONDS
            _pending.clear()
            logger.warning("stream_mirror_down", extra={"error": type(error).__name__})
        await asyncio.sleep(GATHER_SECONDS)


async def _write(batch: dict[UUID, list[Entry]]) -> None:
    """One entry an answer: its fields are event numbers, its id the highest of them."""
    pipeline = _client().pipeline(transaction=False)
    for message_id, entries in batch.items():
        fields = {str(entry.number): entry.event for entry in entries}
        pipeline.xadd(_key(message_id), fields, id=f"{entries[-1].number}-0")  # type: ignore[arg-type]
        pipeline.expire(_key(message_id), KEPT_SECONDS)
    await pipeline.execute()


async def read(message_id: UUID, after: int) -> AsyncIterator[list[Entry]]:
    """Batches of the events after number `after`; an empty one when none came for a while.

    Ends when Redis cannot serve them: it is down, or an event between is missing.
    """
    while True:
        try:
            found = await _client().xread(
                {_key(message_id): f"{after}-0"}, block=BLOCK_MILLISECONDS
            )
        except (RedisError, OSError):
            return
        entries = _entries(found, after)
        unbroken = [e for number, e in enumerate(entries, after + 1) if e.number == number]
        if unbroken or not entries:
            yield unbroken
        if len(unbroken) < len(entries):
            return
        after += len(unbroken)


def _entries(found: object, after: int) -> list[Entry]:
    """XREAD's answer, flat. redis-py gives a list of pairs (RESP2) or a dict (RESP3)."""
    streams = found.values() if isinstance(found, dict) else [pair[1] for pair in found or []]  # type: ignore[attr-defined]
    entries = []
    for stream in streams:
        for item in _flat(stream):
            entries += [Entry(int(number), event) for number, event in item[1].items()]
    return sorted(entry for entry in entries if entry.number > after)


def _flat(stream: list) -> list:
    return stream[0] if stream and isinstance(stream[0], list) else stream
