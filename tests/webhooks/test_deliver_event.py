"""An event reaches the endpoints that want it, signed; what comes back decides what is next."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from standardwebhooks import Webhook

from accounts.models import User
from tests.webhooks.conftest import (
    SAID,
    SECRET,
    MakeReceiver,
    dispatch,
    emit,
    make_endpoint,
    only_delivery,
)
from tests.webhooks.receivers import answer
from webhooks import claims, events
from webhooks.models import Attempt, Delivery, Event


def test_it_arrives_as_published(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver(answer(200, b"Thank you"))
    make_endpoint(account, receiver.url, "chat.message")
    emit(account)
    dispatch()
    [request] = receiver.received
    assert request.line == "POST /hook HTTP/1.1"
    assert request.headers["host"] == receiver.host
    assert request.headers["content-type"] == "application/json"
    event = Event.objects.get()
    assert request.json == {
        "id": event.public_id,
        "event": "chat.message",
        "timestamp": f"{event.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "data": SAID,
    }
    assert Webhook(SECRET.encode()).verify(request.body, request.headers) == request.json
    assert request.headers["webhook-id"] == event.public_id
    delivery = only_delivery()
    assert (delivery.status, delivery.tries, delivery.claim) == ("succeeded", 1, None)
    attempt = delivery.attempts.get()
    assert (attempt.status, attempt.error, attempt.response) == (200, "", "Thank you")
    assert 0 < attempt.duration < 5


def test_only_what_is_wanted(account: User, make_receiver: MakeReceiver) -> None:
    documents, everything = make_receiver(), make_receiver()
    make_endpoint(account, documents.url, "document.created", "document.updated")
    make_endpoint(account, everything.url, "*")
    emit(account)
    emit(account, type="document.created", data={"id": "doc_1"})
    dispatch()
    assert [request.json["event"] for request in documents.received] == ["document.created"]
    assert len(everything.received) == 2


def test_strangers_hear_nothing(
    account: User, make_account: Any, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver()
    make_endpoint(make_account().user, receiver.url)
    emit(account)
    dispatch()
    assert receiver.received == []
    assert Event.objects.count() == 0


def test_nothing_is_sent_for_an_account_that_is_shut(
    account: User, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver()
    make_endpoint(account, receiver.url)
    emit(account)
    try:
        User.objects.filter(pk=account.pk).update(is_active=False)
        dispatch()
        assert (receiver.received, claims.any_due()) == ([], False)
    finally:
        User.objects.filter(pk=account.pk).update(is_active=True)
    assert claims.any_due()
    dispatch()
    assert len(receiver.received) == 1


def test_what_is_rolled_back_never_happened(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver()
    make_endpoint(account, receiver.url)
    with transaction.atomic():
        events.emit("chat.message", account, SAID)
        transaction.set_rollback(True)
    dispatch()
    assert receiver.received == []
    assert Event.objects.count() == Delivery.objects.count() == 0


def test_an_event_needs_the_transaction_of_its_change(account: User) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        events.emit("chat.message", account, SAID)


def test_an_unknown_type_is_a_fault(account: User, make_receiver: MakeReceiver) -> None:
    make_endpoint(account, make_receiver().url)
    with pytest.raises(KeyError), transaction.atomic():
        events.emit("chat.exploded", account, SAID)


def statements(queries: CaptureQueriesContext) -> int:
    return len([query for query in queries if "webhooks" in query["sql"]])


def test_it_costs_two_statements(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver()
    for _ in range(3):
        make_endpoint(account, receiver.url)
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        events.emit_all(account, [("chat.message", SAID), ("chat.completed", SAID)])
    assert statements(queries) == 2
    assert Delivery.objects.count() == 6


def test_without_endpoints_it_costs_one_and_does_nothing(account: User) -> None:
    unspeakable: Any = object()
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        events.emit_all(account, [("chat.message", unspeakable)] * 2)
    assert statements(queries) == 1


def test_ids_of_deliveries_sort_by_time(account: User, make_receiver: MakeReceiver) -> None:
    make_endpoint(account, make_receiver().url)
    emit(account, 20)
    for delivery in Delivery.objects.all():
        milliseconds = delivery.created_at.timestamp() * 1000
        assert abs((delivery.id.int >> 80) - milliseconds) < 5000
        assert delivery.id.version == 7
        assert delivery.id.variant == "specified in RFC 4122"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success(status: int, account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver(answer(status))
    make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    assert only_delivery().status == "succeeded"


@pytest.mark.parametrize("status", [300, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503, 599])
def test_failure(status: int, account: User, make_receiver: MakeReceiver) -> None:
    elsewhere = make_receiver()
    receiver = make_receiver(answer(status, b"Sorry", Location=elsewhere.url))
    make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    delivery = only_delivery()
    assert (delivery.status, delivery.tries) == ("pending", 1)
    assert Attempt.objects.get().status == status
    assert elsewhere.received == []


def test_content_is_cut_and_says_so() -> None:
    cut = events.shortened({"id": "doc_1", "content": "é" * 8_193})
    assert cut == {"id": "doc_1", "content": "é" * 8_192, "truncated": True}
    whole = {"content": "é" * 8_192}
    assert events.shortened(whole) == whole


def test_published_payloads_are_never_cut(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver()
    make_endpoint(account, receiver.url)
    emit(account, data={**SAID, "content": "é" * 32_000})
    dispatch()
    assert receiver.received[0].json["data"]["content"] == "é" * 32_000


def test_many_are_delivered_side_by_side_over_kept_connections(
    account: User, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver()
    make_endpoint(account, receiver.url)
    emit(account, 200)
    dispatch()
    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert len(ids) == len(set(ids)) == 200
    assert receiver.connections <= 40
