"""Endpoints that are deleted while they have events and deliveries: nobody fails, or waits long."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from chatbot_project.api.errors import ResourceNotFound
from tests.waiting import wait_until
from tests.webhooks.conftest import (
    MakeReceiver,
    dispatch,
    emit,
    make_endpoint,
)
from tests.webhooks.racing import InThread, happening, in_thread, is_waiting, no_settling
from webhooks import deletion, services
from webhooks.models import Attempt, Delivery, Endpoint, Event

__all__ = ["in_thread", "no_settling"]


def test_deleting_an_endpoint_waits_for_its_events(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    endpoint = make_endpoint(account, make_receiver().url)
    with happening(in_thread, account):
        deleting = in_thread(lambda: deletion.delete_endpoint(endpoint))
        assert is_waiting(deleting)
    deleting.result(10)
    assert Endpoint.objects.count() == Delivery.objects.count() == 0
    assert Event.objects.count() == 1


def test_events_wait_for_an_endpoint_that_is_being_deleted(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    endpoint = make_endpoint(account, make_receiver().url)
    with transaction.atomic():
        deletion.delete_endpoint(endpoint)
        emitting = in_thread(lambda: emit(account))
        assert is_waiting(emitting)
    emitting.result(10)
    assert Delivery.objects.count() == 0


def test_events_do_not_wait_for_deliveries_that_are_being_deleted(
    account: User, make_receiver: MakeReceiver, in_thread: InThread
) -> None:
    endpoint = make_endpoint(account, make_receiver().url)
    emit(account, 5)
    with transaction.atomic():  # as one that stores what came of an attempt
        list(Delivery.objects.select_for_update()[:1])
        deleting = in_thread(lambda: deletion.delete_endpoint(endpoint))
        wait_until(lambda: Delivery.objects.count() == 1)
        assert is_waiting(deleting)
        in_thread(lambda: emit(account)).result(5)
    deleting.result(10)
    assert Endpoint.objects.count() == Delivery.objects.count() == 0
    assert Event.objects.count() == 6


def test_many_deliveries_are_deleted_with_their_attempts(
    account: User, make_receiver: MakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = make_endpoint(account, make_receiver().url)
    endpoint = make_endpoint(account, make_receiver().url)
    emit(account, 7)
    dispatch()
    monkeypatch.setattr(deletion, "BATCH", 3)
    deletion.delete_endpoint(endpoint)
    assert [*Endpoint.objects.all()] == [kept]
    assert Attempt.objects.count() == Delivery.objects.count() == kept.deliveries.count() == 7


def test_of_an_account_that_is_being_deleted(account: User, make_receiver: MakeReceiver) -> None:
    for _ in range(2):
        make_endpoint(account, make_receiver().url)
    emit(account, 3)
    while deletion.delete_endpoints_of(account):
        pass
    assert Endpoint.objects.count() == Delivery.objects.count() == Event.objects.count() == 0


@pytest.mark.parametrize("what", ["ping", "redeliver", "recover", "rotate_secret"])
def test_what_is_asked_of_an_endpoint_that_is_being_deleted(
    what: str,
    account: User,
    make_receiver: MakeReceiver,
    in_thread: InThread,
    no_settling: None,
) -> None:
    endpoint = make_endpoint(account, make_receiver().url)
    emit(account)
    delivery = Delivery.objects.get()
    asked: dict[str, Callable[[], Any]] = {
        "ping": lambda: services.ping(endpoint),
        "redeliver": lambda: services.redeliver(delivery),
        "recover": lambda: services.recover(endpoint, datetime.now(UTC) - timedelta(hours=1)),
        "rotate_secret": lambda: services.rotate_secret(endpoint),
    }
    with transaction.atomic():
        deletion.delete_endpoint(endpoint)
        asking = in_thread(asked[what])
        assert is_waiting(asking)
    with pytest.raises(ResourceNotFound):
        asking.result(10)
