"""Endpoints that come and change in the middle of transactions: none fails, no event is lost."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from chatbot_project.api.errors import Conflict
from tests.waiting import wait_until
from tests.webhooks.conftest import (
    MakeReceiver,
    dispatch,
    emit,
    make_endpoint,
    only_delivery,
)
from tests.webhooks.racing import InThread, happening, in_thread, is_waiting, no_settling
from tests.webhooks.receivers import answer
from webhooks import claims, judging, outcomes, services, settling
from webhooks.models import Delivery, Endpoint, Event
from webhooks.recorder import Recorder

__all__ = ["in_thread", "no_settling"]


def test_nothing_commits_unheard_once_an_endpoint_is_made(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    receiver = make_receiver()
    with happening(in_thread, account):
        making = in_thread(lambda: make_endpoint(account, receiver.url))
        assert is_waiting(making)
    making.result(10)
    emit(account)
    dispatch()
    assert len(receiver.received) == Event.objects.count() == 1


def test_it_is_not_waited_for_for_ever(
    account: User,
    make_receiver: MakeReceiver,
    in_thread: InThread,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settling, "LONGEST", 0.05)
    with happening(in_thread, account) as change:
        make_endpoint(account, make_receiver().url)
        assert not change.done()
    assert Endpoint.objects.filter(owner=account).exists()


def test_recovery_finds_what_commits_once_an_endpoint_is_enabled(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    endpoint = make_endpoint(account, make_receiver().url, enabled=False)
    with happening(in_thread, account):
        services.change_endpoint(endpoint, enabled=True)
        since = datetime.now(UTC) - timedelta(hours=1)
        recovering = in_thread(lambda: services.recover(endpoint, since))
        assert is_waiting(recovering)
    assert recovering.result(10) == Delivery.objects.count() == 1


@pytest.mark.parametrize("what", ["redeliver", "recover"])
def test_an_endpoint_is_locked_before_its_deliveries(
    what: str,
    account: User,
    make_receiver: MakeReceiver,
    in_thread: InThread,
    no_settling: None,
) -> None:
    endpoint = make_endpoint(account, make_receiver().url)
    emit(account)
    Delivery.objects.update(status="failed", next_attempt_at=None)
    acts: dict[str, Callable[[], Any]] = {
        "redeliver": lambda: services.redeliver(only_delivery()),
        "recover": lambda: services.recover(endpoint, datetime.now(UTC) - timedelta(hours=1)),
    }
    with transaction.atomic():
        Endpoint.objects.select_for_update().get()
        acting = in_thread(acts[what])
        assert is_waiting(acting)
        Delivery.objects.select_for_update(nowait=True).get()
    acting.result(10)


def test_an_endpoint_that_is_held_holds_up_no_other(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    held, free = (make_endpoint(account, make_receiver().url) for _ in range(2))
    emit(account)
    both = [outcomes.Outcome(job, datetime.now(UTC), 0.1, 410) for job in claims.claim(2)]
    with transaction.atomic():
        Endpoint.objects.select_for_update().get(pk=held.pk)
        left = in_thread(lambda: judging.record(both)).result(10)
    assert [outcome.job.endpoint_id for outcome in left] == [held.pk]
    assert {delivery.status for delivery in Delivery.objects.all()} == {"failed"}
    assert [*Endpoint.objects.filter(enabled=False)] == [free]
    assert judging.record([], left) == []
    assert not Endpoint.objects.filter(enabled=True).exists()


def test_deliveries_go_on_while_an_endpoint_is_held(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    sick, well = make_receiver(answer(500)), make_receiver()
    held = make_endpoint(account, sick.url, "chat.message")
    make_endpoint(account, well.url)
    emit(account)
    begun, enough = threading.Event(), threading.Event()

    async def held_meanwhile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(begun.wait, 10)
        await answer(500)(reader, writer)

    def hold() -> None:
        with transaction.atomic():
            Endpoint.objects.select_for_update(no_key=True).get(pk=held.pk)
            begun.set()
            enough.wait(20)

    sick.behaviour = held_meanwhile
    dispatching = in_thread(dispatch)
    sick.wait_for(1)
    holding = in_thread(hold)
    arrived = Delivery.objects.filter(status="succeeded")
    try:
        for count in range(1, 4):
            wait_until(lambda count=count: arrived.count() == count, limit=4)  # type: ignore[misc]
            emit(account, type="document.created")
    finally:
        enough.set()
    holding.result(10)
    dispatching.result(20)
    assert len(well.received) == arrived.count() == 4
    assert Endpoint.objects.get(pk=held.pk).failures == 1


def test_recovery_holds_an_endpoint_for_a_batch_at_a_time(
    account: User,
    make_receiver: MakeReceiver,
    in_thread: InThread,
    no_settling: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "BATCH", 2)
    endpoint = make_endpoint(account, make_receiver().url, enabled=False)
    emit(account, 5)
    services.change_endpoint(endpoint, enabled=True)
    since = datetime.now(UTC) - timedelta(hours=1)
    third = Event.objects.order_by("id")[2]
    with transaction.atomic():
        Event.objects.select_for_update().get(pk=third.pk)
        recovering = in_thread(lambda: services.recover(endpoint, since))
        wait_until(lambda: Delivery.objects.count() == 2)
    assert recovering.result(10) == Delivery.objects.count() == 5
    assert services.recover(endpoint, since) == 0


CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def cancel_who_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(CANCEL)
        return cursor.rowcount > 0


def test_what_cannot_be_given_back_ends_nothing(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    make_endpoint(account, make_receiver().url)
    emit(account, 2)
    unbegun, ended = claims.claim(2)

    async def record() -> None:
        recorder = Recorder()
        recorder.give_back([unbegun])
        while recorder.is_busy:
            recorder.require_alive()
            await asyncio.sleep(0.01)
        recorder.ended(outcomes.Outcome(ended, datetime.now(UTC), 0.1, 200))
        await recorder.close()

    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=unbegun.delivery_id)
        recording = in_thread(lambda: asyncio.run(record()))
        wait_until(cancel_who_waits)
        recording.result(10)
    assert Delivery.objects.get(pk=ended.delivery_id).status == "succeeded"
    assert Delivery.objects.get(pk=unbegun.delivery_id).claim == unbegun.claim


def test_whether_an_endpoint_is_enabled_is_asked_anew(
    account: User, make_receiver: MakeReceiver
) -> None:
    endpoint = make_endpoint(account, make_receiver().url)
    services.change_endpoint(Endpoint.objects.get(), enabled=False)
    with pytest.raises(Conflict):
        services.ping(endpoint)


def test_what_the_old_address_answers_is_not_charged_to_the_new_one(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    old, new = make_receiver(), make_receiver()
    endpoint = make_endpoint(account, old.url)

    async def moves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        move = in_thread(lambda: services.change_endpoint(endpoint, url=new.url))
        await asyncio.wrap_future(move)
        await answer(410)(reader, writer)

    old.behaviour = moves
    emit(account)
    dispatch()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.failures, endpoint.failing_since) == (True, 0, None)
    assert (len(old.received), len(new.received)) == (1, 1)
    assert [attempt.status for attempt in only_delivery().attempts.all()] == [410, 200]
    assert only_delivery().status == "succeeded"


def test_what_was_stored_without_our_knowing_counts_once(account: User) -> None:
    endpoint = make_endpoint(account, "https://app.example/")
    emit(account, 2)
    stored, lost = (outcomes.Outcome(job, datetime.now(UTC), 0.1, 500) for job in claims.claim(10))
    judging.record([stored])
    judging.record([stored], again=True)
    endpoint.refresh_from_db()
    assert endpoint.failures == 1
    judging.record([stored, lost], again=True)
    assert [delivery.attempts.count() for delivery in Delivery.objects.all()] == [1, 1]
    assert {delivery.tries for delivery in Delivery.objects.all()} == {1}
