"""The leases of the answers that a process writes are renewed, though the database fails for a
moment: else a sweep would end them."""

import asyncio
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import InterfaceError

from chat import generation, grounding
from chat.providers import ProviderFailed
from tests.outages import outage
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_lost_connection_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[Any] = []
    running: Any = SimpleNamespace(answer=SimpleNamespace(text="The moon"), stop=stopped.append)
    monkeypatch.setattr(generation, "KEEPER_SECONDS", 0.02)
    monkeypatch.setitem(generation._running, uuid.uuid4(), running)
    keeper = asyncio.ensure_future(generation._keep())
    with outage() as lost:
        await asyncio.to_thread(wait_until, lambda: lost.failed > 1 or keeper.done())
    await asyncio.to_thread(wait_until, lambda: stopped or keeper.done())  # it has no row
    assert not keeper.done()
    keeper.cancel()


async def test_a_search_that_is_cut_off_is_a_failure_that_has_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cut_off(*args: Any) -> None:
        raise InterfaceError

    monkeypatch.setattr(grounding, "look_up", cut_off)
    lookup: Any = SimpleNamespace(readers=[], filters=None)
    query: Any = None
    with pytest.raises(ProviderFailed):
        await grounding._search(lookup, query)
