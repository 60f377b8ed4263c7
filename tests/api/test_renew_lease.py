"""A request that is at work keeps its Idempotency-Key, though the database fails for a moment."""

import asyncio
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpResponse

from accounts.models import User
from chatbot_project.api import idempotency, repeats
from chatbot_project.api.models import IdempotencyKey
from chatbot_project.database import base
from tests.live import end_kept_connections
from tests.outages import outage
from tests.waiting import wait_until


@pytest.fixture
def lease(transactional_db: None, owner: User) -> IdempotencyKey:
    """One that has run out."""
    return IdempotencyKey.objects.create(
        account=owner,
        digest=b"d" * 32,
        fingerprint=b"f" * 32,
        token=uuid.uuid4(),
        locked_until=Now() - timedelta(seconds=1),
    )


@pytest.fixture
def request_at_work(lease: IdempotencyKey, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The one whose lease it is, renewed all the time."""
    monkeypatch.setattr(idempotency, "RENEWAL", 0.02)
    claim = idempotency.Claim(lease.pk, lease.token)
    return SimpleNamespace(api=SimpleNamespace(claim=claim))


async def test_a_failure_is_not_the_last_try(lease: IdempotencyKey, request_at_work: Any) -> None:
    end_kept_connections()
    base.breaker.failed(OSError("no connection for a while"))
    renewal = asyncio.ensure_future(repeats._renew(request_at_work))
    await asyncio.to_thread(wait_until, lambda: base.breaker._next_try is None)
    await asyncio.to_thread(wait_until, lambda: is_renewed(lease))
    assert not renewal.done()
    renewal.cancel()


async def test_nor_is_a_lost_connection(lease: IdempotencyKey, request_at_work: Any) -> None:
    renewal = asyncio.ensure_future(repeats._renew(request_at_work))
    with outage() as lost:
        await asyncio.to_thread(wait_until, lambda: lost.failed > 1 or renewal.done())
    await asyncio.to_thread(wait_until, lambda: renewal.done() or is_renewed(lease))
    assert not renewal.done()
    renewal.cancel()


def test_a_lost_connection_hides_no_answer(lease: IdempotencyKey) -> None:
    claim = idempotency.Claim(lease.pk, lease.token)
    request: Any = SimpleNamespace(api=SimpleNamespace(claim=claim))
    with outage() as lost:
        repeats.keep(request, HttpResponse(b"{}", status=201))
    assert lost.failed == 1


def is_renewed(lease: IdempotencyKey) -> bool:
    try:
        return IdempotencyKey.objects.filter(pk=lease.pk, locked_until__gt=Now()).exists()
    finally:
        connection.close()
