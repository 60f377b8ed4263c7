"""A worker that is asked to end does so soon, whatever its receivers do, and loses nothing."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from accounts.models import User
from chatbot_project import celery
from tests.webhooks.conftest import MakeReceiver, dispatch, emit, make_endpoint
from tests.webhooks.receivers import Receiver, answer, late, never
from webhooks import dispatcher, waking
from webhooks.models import Delivery


def stop_after(receiver: Receiver, requests: int) -> None:
    receiver.wait_for(requests)
    celery.note_stopping()


@pytest.fixture
def worker() -> Iterator[None]:
    yield
    celery._stopping[0] = 0


def test_what_has_begun_is_finished_and_the_rest_given_back(
    account: User, make_receiver: MakeReceiver, worker: None
) -> None:
    receiver = make_receiver(late(0.03))
    make_endpoint(account, receiver.url)
    emit(account, 500)
    stopping = threading.Thread(target=stop_after, args=(receiver, 50))
    stopping.start()
    dispatch()
    stopping.join()
    delivered = Delivery.objects.filter(status="succeeded").count()
    assert delivered == len(receiver.received) < 500
    assert not Delivery.objects.filter(claim__isnull=False).exists()
    celery._stopping[0] = 0
    dispatch()
    assert len(receiver.received) == 500


def test_nobody_is_waited_for_for_long(
    account: User, make_receiver: MakeReceiver, worker: None
) -> None:
    receiver = make_receiver(never)
    make_endpoint(account, receiver.url)
    emit(account)
    stopping = threading.Thread(target=stop_after, args=(receiver, 1))
    stopping.start()
    began = time.monotonic()
    dispatch()
    stopping.join()
    assert time.monotonic() - began < dispatcher.STOP_SECONDS + 2
    assert Delivery.objects.get().status == "pending"  # due again when its lease has run out


def test_a_dispatcher_that_was_too_slow_ends_nobody_elses_work() -> None:
    waking.client().delete(waking.KEY)
    assert waking.hold("slow")
    waking.client().delete(waking.KEY)  # its lease has run out
    assert waking.hold("other")
    assert not waking.hold("slow")
    waking.end("slow")
    assert not waking.hold("third")
    waking.end("other")
    assert waking.hold("third")
    waking.end("third")


def test_a_dispatcher_that_another_has_taken_over_from_claims_no_more(
    account: User, make_receiver: MakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "RENEW_SECONDS", 0)
    receiver = make_receiver()

    async def taken_over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waking.client().set(waking.KEY, "other", ex=30)
        await asyncio.sleep(0.4)  # in which it has looked
        await asyncio.to_thread(emit_elsewhere, account)
        await answer()(reader, writer)

    receiver.next = [taken_over]
    make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    assert len(receiver.received) == 1
    assert waking.hold("other")
    assert waking.has_news()
    waking.end("other")
    dispatch()
    assert len(receiver.received) == 2


def emit_elsewhere(account: User) -> None:
    """In a thread, and a database connection, of its own."""
    try:
        emit(account)
    finally:
        connection.close()
