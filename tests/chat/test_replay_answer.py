"""A question sent twice under one Idempotency-Key is asked once."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from accounts.models import Tier
from tests import events
from tests.chat.asking import ask, error_of, history, streaming
from tests.events import Event
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream, words

PIECES = words(20)
TEXT = "".join(PIECES)
Clients = tuple[httpx2.Client, httpx2.Client]


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def asked(model: str, **fields: Any) -> dict[str, Any]:
    return {"message": "Hello", "model": model, **fields}


def stream(
    client: httpx2.Client, model: str, key: dict[str, str]
) -> tuple[list[Event], httpx2.Headers]:
    question = asked(model, stream=True)
    with client.stream("POST", "/api/chat", json=question, headers=key) as response:
        return list(events.stream(response)), response.headers


def test_whole(clients: Clients, upstream: Upstream, key: dict[str, str]) -> None:
    first_client, second_client = clients
    model = upstream.model(Script(PIECES), Script(["Another."]))
    first = first_client.post("/api/chat", json=asked(model), headers=key)
    second = second_client.post("/api/chat", json=asked(model), headers=key)
    assert first.json()["message"] == TEXT
    assert second.json() == first.json()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(upstream.calls(model)) == 1


def test_streamed(clients: Clients, upstream: Upstream, key: dict[str, str]) -> None:
    first_client, second_client = clients
    model = upstream.model(Script(PIECES), Script(["Another."]))
    first, _ = stream(first_client, model, key)
    second, headers = stream(second_client, model, key)
    assert headers["Idempotency-Replayed"] == "true"
    assert events.text_of(second) == events.text_of(first) == TEXT
    assert (second[0].data, second[-1].data) == (first[0].data, first[-1].data)
    assert len(upstream.calls(model)) == 1


def test_in_flight(clients: Clients, upstream: Upstream, key: dict[str, str]) -> None:
    first_client, second_client = clients
    gate = upstream.gate()
    model = upstream.model(Script(PIECES, gate=gate))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(first_client.post, "/api/chat", json=asked(model), headers=key)
        upstream.wait_for_call(model)
        second = second_client.post("/api/chat", json=asked(model), headers=key)
        gate.open()
        assert first.result().json()["message"] == TEXT
    assert (second.status_code, error_of(second)["code"]) == (409, "CONFLICT")
    assert int(second.headers["Retry-After"]) >= 1
    third = second_client.post("/api/chat", json=asked(model), headers=key)
    assert third.json() == first.result().json()
    assert len(upstream.calls(model)) == 1


def test_a_client_that_hung_up_tries_again(
    clients: Clients, upstream: Upstream, key: dict[str, str]
) -> None:
    first_client, second_client = clients
    gate = upstream.gate(3)
    model = upstream.model(Script(PIECES, gate=gate))
    question = asked(model, stream=True)
    with first_client.stream("POST", "/api/chat", json=question, headers=key) as response:
        read = events.read_text(events.stream(response), 10)
    gate.open()
    chat = read[0].data["chat_id"]
    with second_client.stream("GET", f"/api/chat/{chat}/stream") as response:
        assert events.text_of(events.stream(response)) == TEXT
    again, _ = stream(second_client, model, key)
    assert events.text_of(again) == TEXT
    assert len(upstream.calls(model)) == 1


def test_mismatch(client: httpx2.Client, upstream: Upstream, key: dict[str, str]) -> None:
    model = upstream.model(Script(PIECES))
    client.post("/api/chat", json=asked(model), headers=key)
    other = client.post("/api/chat", json=asked(model, message="Another"), headers=key)
    assert (other.status_code, error_of(other)["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert client.get("/api/chat").json()["total"] == 1


def test_another_path_is_another_key(
    client: httpx2.Client, upstream: Upstream, key: dict[str, str]
) -> None:
    model = upstream.model(Script(["First."]), Script(["Second."]))
    chat = client.post("/api/chat", json=asked(model), headers=key).json()["id"]
    path = f"/api/chat/{chat}/messages"
    second = client.post(path, json=asked(model), headers=key).json()
    assert second["message"] == "Second."
    assert client.post(path, json=asked(model), headers=key).json() == second
    assert len(history(client, chat)) == 4


def test_a_failure_is_not_tried_again(
    client: httpx2.Client, upstream: Upstream, key: dict[str, str]
) -> None:
    model = upstream.model(Script(status=401), Script(PIECES))
    first, second = (client.post("/api/chat", json=asked(model), headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (503, 503)
    assert ("Retry-After" in first.headers, "Retry-After" in second.headers) == (True, False)
    assert second.headers["Idempotency-Replayed"] == "true"
    said = [error_of(response) for response in (first, second)]
    assert said[0]["code"] == said[1]["code"] == "MODEL_UNAVAILABLE"
    assert said[0]["details"]["message_id"] == said[1]["details"]["message_id"]
    assert len(upstream.calls(model)) == 1
    assert client.get("/api/chat").json()["total"] == 1


def test_nor_is_one_within_a_stream(
    client: httpx2.Client, upstream: Upstream, key: dict[str, str]
) -> None:
    model = upstream.model(Script(PIECES, fault="cut", fault_after=3), Script(PIECES))
    first, _ = stream(client, model, key)
    second, headers = stream(client, model, key)
    assert headers["Idempotency-Replayed"] == "true"
    assert first[-1].data["type"] == second[-1].data["type"] == "error"
    assert events.text_of(first) == events.text_of(second) == "".join(PIECES[:3])
    assert len(upstream.calls(model)) == 1


def test_what_was_refused_unasked_is_tried_again(
    make_account: Callable[..., LiveAccount],
    daphne: Server,
    upstream: Upstream,
    key: dict[str, str],
) -> None:
    account = make_account(tokens_per_month=0)
    client = account.client(daphne)
    model = upstream.model(Script(PIECES))
    assert client.post("/api/chat", json=asked(model), headers=key).status_code == 403
    Tier.objects.filter(pk=account.user.tier_id).update(tokens_per_month=None)
    answered = client.post("/api/chat", json=asked(model), headers=key)
    assert answered.json()["message"] == TEXT
    assert "Idempotency-Replayed" not in answered.headers


def test_without_a_key_it_is_asked_twice(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(["First."]), Script(["Second."]))
    assert ask(client, model)["message"] == "First."
    with streaming(client, model) as second:
        assert events.text_of(second) == "Second."
