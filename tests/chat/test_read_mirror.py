"""Readers at other processes see events in order and without a gap, and Redis forgets them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis

from chat import mirror
from chat.mirror import Entry
from chatbot_project.api.ids import uuid7


@pytest.fixture(autouse=True)
async def own_client() -> AsyncIterator[None]:
    """The client of a process lives in one event loop; each test has its own."""
    mirror._writer = None
    mirror._client.cache_clear()
    yield
    await mirror.close()


def entries(*numbers: int) -> list[Entry]:
    return [Entry(number, b"id: x\ndata: {}\n\n") for number in numbers]


async def test_it_ends_where_an_event_is_missing() -> None:
    message_id = uuid7()
    for batch in (entries(1, 2), entries(3), entries(6, 7)):
        await mirror._write({message_id: batch})
    read = [batch async for batch in mirror.read(message_id, 1)]
    assert [[entry.number for entry in batch] for batch in read] == [[2, 3]]
    assert [batch async for batch in mirror.read(message_id, 4)] == []


async def test_events_that_went_missing_at_the_start_are_not_jumped_over() -> None:
    message_id = uuid7()
    await mirror._write({message_id: entries(3, 4)})
    assert [batch async for batch in mirror.read(message_id, 0)] == []


async def test_it_waits_for_the_next_event() -> None:
    message_id = uuid7()
    await mirror._write({message_id: entries(1)})
    reader = mirror.read(message_id, 1)
    waiting = asyncio.ensure_future(anext(reader))
    await mirror._write({message_id: entries(2)})
    while not (batch := await waiting):  # nothing came for a while
        waiting = asyncio.ensure_future(anext(reader))
    assert [entry.number for entry in batch] == [2]
    await reader.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("first", [1, 5])
async def test_everything_expires(first: int, empty_redis: redis.Redis) -> None:
    message_id = uuid7()
    await mirror._write({message_id: entries(first)})
    assert 0 < empty_redis.ttl(mirror._key(message_id)) <= mirror.KEPT_SECONDS
