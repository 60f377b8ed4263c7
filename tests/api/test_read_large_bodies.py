"""A large body costs its sender time, and nobody else: the event loop goes on meanwhile."""

import asyncio
import gc
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import AsyncRequestFactory
from rest_framework import serializers

from chatbot_project.api import bodies
from chatbot_project.api.errors import InvalidRequest
from chatbot_project.api.fields import ObjectField

MEGABYTE = 1_000_000
ATTACKS = {
    "lists": b'{"unknown": [' + b"[]," * (3 * MEGABYTE) + b"[]]}",
    "members": b'{"metadata": {' + b'"a":1,' * MEGABYTE + b'"a":1}}',
    "texts": b'{"unknown": [' + b'"",' * (3 * MEGABYTE) + b'""]}',
    "depth": b'{"unknown": ' + b"[" * (4 * MEGABYTE) + b"]" * (4 * MEGABYTE) + b"}",
    "names": b'{"metadata": ' + json.dumps(dict.fromkeys(map(str, range(90_000)))).encode() + b"}",
}


class TaggedSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False)
    metadata = ObjectField(required=False)


async def longest_pause(work: asyncio.Future[Any]) -> float:
    """Seconds of computing for which the event loop did nothing else while `work` ran."""
    longest, last = 0.0, time.process_time()
    while not work.done():
        await asyncio.sleep(0.001)
        now = time.process_time()
        longest, last = max(longest, now - last), now
    return longest


def request_with(body: bytes) -> Any:
    return AsyncRequestFactory().post("/api/chat", body, content_type="application/json")


@pytest.fixture
def frozen() -> Iterator[None]:
    """What the tests have made until now is left out of collections, as the server leaves out what
    its start has made: to look through all of it would hold up any loop."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("kind", ATTACKS)
def test_the_event_loop_is_not_held_up(frozen: None, kind: str) -> None:
    async def attack() -> float:
        work = asyncio.ensure_future(
            bodies.validated(request_with(ATTACKS[kind]), TaggedSerializer)
        )
        pause = await longest_pause(work)
        with pytest.raises(InvalidRequest):
            await work
        return pause

    assert asyncio.run(attack()) < 0.5


@pytest.mark.parametrize("length", [10, 2 * MEGABYTE])
def test_bodies_of_every_size_are_read(length: int) -> None:
    body = {"name": "a" * length}
    request = request_with(json.dumps(body).encode())
    assert asyncio.run(bodies.read(request)) == body
    assert asyncio.run(bodies.validated(request, TaggedSerializer)) == body


def test_metadata_is_measured_before_its_members_are_looked_at() -> None:
    class Counted(serializers.JSONField):
        looked_at = 0

        def to_internal_value(self, data: Any) -> Any:
            Counted.looked_at += 1
            return data

    with pytest.raises(serializers.ValidationError):
        ObjectField(child=Counted()).run_validation(dict.fromkeys(map(str, range(10_000)), 1))
    assert Counted.looked_at == 0
