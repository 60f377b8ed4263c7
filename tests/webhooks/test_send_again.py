"""Ping, deliveries, redeliver, recover."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db.models import F
from django.test import Client

from accounts.models import User
from accounts.services import create_api_key
from tests.webhooks.conftest import (
    SAID,
    MakeReceiver,
    dispatch,
    emit,
    make_endpoint,
    only_delivery,
    pass_time,
)
from tests.webhooks.receivers import answer
from webhooks import claims, notices, services
from webhooks.models import Attempt, Delivery, Endpoint, Event


@pytest.fixture
def client(account: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {create_api_key(account)[1]}"})


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/webhooks/{path}", body or {}, content_type="application/json")


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def test_ping_asks_this_endpoint_alone(
    account: User, client: Client, make_receiver: MakeReceiver
) -> None:
    asked, other = make_receiver(answer(200, b"pong")), make_receiver()
    endpoint = make_endpoint(account, asked.url, "file.uploaded")
    make_endpoint(account, other.url)
    response = post(client, f"{endpoint.public_id}/ping")
    assert response.status_code == 201
    delivery = response.json()
    assert (delivery["event"], delivery["status"], delivery["attempts"]) == ("ping", "pending", [])
    dispatch()
    body = asked.received[0].json
    assert (body["event"], body["data"]) == ("ping", {"webhook_id": endpoint.public_id})
    assert other.received == []
    path = f"/api/webhooks/{endpoint.public_id}/deliveries/{delivery['id']}"
    shown = client.get(path).json()
    assert (shown["status"], shown["payload"]) == ("succeeded", body)
    [attempt] = shown["attempts"]
    assert (attempt["status"], attempt["response"], attempt["error"]) == (200, "pong", None)
    assert 0 < attempt["duration"] == round(attempt["duration"], 4)


def test_deliveries_are_listed_and_filtered(
    account: User, client: Client, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver()
    receiver.next = [answer(500, b"Sorry")]
    endpoint = make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    emit(account, type="document.created", data={"id": "doc_1"})
    dispatch()
    path = f"/api/webhooks/{endpoint.public_id}/deliveries"

    def listed(**query: str) -> list[str]:
        answer = client.get(path, query).json()
        assert answer["total"] == len(answer["results"])
        return [delivery["event"] for delivery in answer["results"]]

    assert listed() == ["document.created", "chat.message"]
    assert listed(status="succeeded") == ["document.created"]
    assert listed(status="pending") == listed(event="chat.message") == ["chat.message"]
    assert listed(status="failed") == []
    today, tomorrow = (f"{datetime.now(UTC) + timedelta(days=days):%F}" for days in (0, 1))
    assert len(listed(**{"from": today, "to": today})) == 2
    assert listed(**{"from": tomorrow}) == listed(to="2025-01-06") == []
    older_ones = Delivery.objects.filter(event__type="chat.message")
    older_ones.update(created_at=F("created_at") - timedelta(minutes=1))
    newer, older = (each["created_at"] for each in client.get(path).json()["results"])
    assert listed(**{"from": newer}) == ["document.created"]
    elsewhere = datetime.fromisoformat(older).astimezone(timezone(timedelta(hours=5)))
    assert listed(to=older) == listed(to=elsewhere.isoformat()) == ["chat.message"]
    assert listed(to=f"{elsewhere - timedelta(seconds=1):%FT%T+05:00}") == []
    pending = client.get(path, {"status": "pending"}).json()["results"][0]
    assert pending["attempts"][0]["response"] == "Sorry"
    assert pending["next_attempt_at"] is not None


def test_the_latest_attempts_are_shown(account: User, client: Client) -> None:
    endpoint = make_endpoint(account, "https://app.example/")
    emit(account)
    delivery = only_delivery()
    now = datetime.now(UTC)
    Attempt.objects.bulk_create(
        Attempt(delivery=delivery, started_at=now, duration=n, status=500, response=f"{n}" * 600)
        for n in range(30)
    )
    path = f"/api/webhooks/{endpoint.public_id}/deliveries"
    [listed] = client.get(path).json()["results"]
    shown = client.get(f"{path}/{delivery.public_id}").json()
    for found, length in ((listed, 500), (shown, 1200)):
        assert [attempt["duration"] for attempt in found["attempts"]] == [*range(10, 30)]
        assert {len(attempt["response"]) for attempt in found["attempts"]} == {length}
    sent = post(client, f"{endpoint.public_id}/deliveries/{delivery.public_id}/redeliver").json()
    assert sent["attempts"] == shown["attempts"]


@pytest.mark.parametrize(
    "query",
    [
        *("status=lost", "event=chat.exploded", "from=yesterday", "to=2025-13-01", "limit=0"),
        *("from=2025-01-06T25:00:00Z", "to=2025-01-06T12:00:00+01:00", "from=", "to=9999-12-31"),
        *("from=0001-01-01T00:00:00%2B09:00", "statsu=failed", "status=", "event="),
    ],
)
def test_bad_filters(query: str, account: User, client: Client) -> None:
    endpoint = make_endpoint(account, "https://app.example/")
    response = client.get(f"/api/webhooks/{endpoint.public_id}/deliveries?{query}")
    assert response.status_code == 400
    assert [*response.json()["error"]["details"]["invalid_fields"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("status", ["succeeded", "failed", "pending"])
def test_redeliver(status: str, account: User, client: Client, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver()
    receiver.next = [answer(500)]
    endpoint = make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    Delivery.objects.update(status=status, tries=10 if status == "failed" else 1)
    path = f"{endpoint.public_id}/deliveries/{only_delivery().public_id}/redeliver"
    response = post(client, path)
    assert (response.status_code, response.json()["status"]) == (200, "pending")
    dispatch()
    first, second = receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert (only_delivery().status, only_delivery().tries) == ("succeeded", 1)
    assert only_delivery().attempts.count() == 2


def test_recover(account: User, client: Client, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver(answer(410))
    endpoint = make_endpoint(account, receiver.url, "chat.message")
    emit(account)
    dispatch()  # disables it
    emit(account, 3)
    emit(account, type="document.created", data={"id": "doc_1"})
    receiver.behaviour = answer(200)
    refused = post(client, f"{endpoint.public_id}/recover", {"since": ago(hours=1)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    services.change_endpoint(endpoint, enabled=True)
    later = datetime.now(UTC).isoformat()
    assert post(client, f"{endpoint.public_id}/recover", {"since": later}).json() == {
        "recovered": 0
    }
    done = post(client, f"{endpoint.public_id}/recover", {"since": ago(hours=1)})
    assert (done.status_code, done.json()) == (200, {"recovered": 4})
    receiver.received.clear()
    dispatch()
    assert len(receiver.received) == 4
    again = post(client, f"{endpoint.public_id}/recover", {"since": ago(hours=1)})
    assert again.json() == {"recovered": 0}
    dispatch()
    assert len(receiver.received) == 4


@pytest.mark.parametrize("reason", ["gone", "failing"])
def test_what_the_mail_says_recovers_the_first_event(
    reason: str,
    account: User,
    client: Client,
    make_receiver: MakeReceiver,
    mailoutbox: list[EmailMessage],
) -> None:
    receiver = make_receiver(answer(410 if reason == "gone" else 500))
    endpoint = make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    if reason == "failing":
        Delivery.objects.update(status="failed", next_attempt_at=None)
        pass_time(6 * 86_400)
        emit(account)
        dispatch()
    # The first event was on its way for a while before it failed.
    later = datetime.now(UTC) + timedelta(minutes=1)
    changed = Endpoint.objects.filter(disabled_reason=reason)
    assert changed.update(failing_since=later, disabled_at=later) == 1
    assert notices.tell_owners() == 1
    [since] = re.findall(r'"since": "(.+?)"', str(mailoutbox[0].body))
    services.change_endpoint(endpoint, enabled=True)
    done = post(client, f"{endpoint.public_id}/recover", {"since": since})
    assert done.json()["recovered"] == Delivery.objects.count()
    first = Delivery.objects.order_by("event_id")[0]
    assert (first.status, first.tries) == ("pending", 0)


def test_recover_after_a_short_outage(
    account: User, client: Client, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver(answer(500))
    endpoint = make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    assert only_delivery().tries == 1
    path, since = f"{endpoint.public_id}/recover", {"since": ago(hours=1)}
    assert post(client, path, since).json() == {"recovered": 1}
    receiver.behaviour = answer(200)
    emit(account)  # has not been tried: there is nothing to recover
    assert post(client, path, since).json() == {"recovered": 0}
    dispatch()
    assert {delivery.status for delivery in Delivery.objects.all()} == {"succeeded"}
    assert len(receiver.received) == 3


def test_recover_sends_nothing_twice_that_is_on_its_way(
    account: User, client: Client, make_receiver: MakeReceiver
) -> None:
    endpoint = make_endpoint(account, make_receiver().url)
    emit(account)
    Delivery.objects.update(tries=1)
    claims.claim(1)
    before = only_delivery()
    done = post(client, f"{endpoint.public_id}/recover", {"since": ago(hours=1)})
    assert done.json() == {"recovered": 0}
    after = only_delivery()
    assert (after.claim, after.next_attempt_at) == (before.claim, before.next_attempt_at)


@pytest.mark.parametrize(
    "since",
    [ago(days=31), ago(days=-1), "yesterday", 5, None, ""],
    ids=["too long ago", "to come", "a word", "a number", "null", "empty"],
)
def test_recover_since_when(since: Any, account: User, client: Client) -> None:
    endpoint = make_endpoint(account, "https://app.example/")
    response = post(client, f"{endpoint.public_id}/recover", {"since": since})
    assert response.status_code == 400
    assert [*response.json()["error"]["details"]["invalid_fields"]] == ["since"]


def test_nothing_is_asked_of_a_disabled_endpoint(account: User, client: Client) -> None:
    endpoint = make_endpoint(account, "https://app.example/", enabled=False)
    assert post(client, f"{endpoint.public_id}/ping").status_code == 409
    assert Event.objects.count() == 0


def test_an_endpoint_of_another_account_recovers_only_its_own(
    account: User, make_account: Any, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver()
    stranger = make_account().user
    make_endpoint(account, make_receiver().url)
    emit(account, data={**SAID, "content": "private"})
    endpoint = make_endpoint(stranger, receiver.url)
    assert services.recover(endpoint, datetime.now(UTC) - timedelta(hours=1)) == 0
