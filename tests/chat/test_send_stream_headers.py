"""A stream reaches its reader as it is made, through whatever stands between."""

from typing import Any

import httpx2
import pytest

from tests import events
from tests.chat.asking import ask, path_of
from tests.upstream import Script, Upstream, words


def headers_of(client: httpx2.Client, method: str, path: str, **request: Any) -> httpx2.Headers:
    with client.stream(method, path, **request) as response:
        assert response.status_code == 200
        list(events.stream(response))
        return response.headers


@pytest.fixture
def answered(either_client: httpx2.Client, upstream: Upstream) -> dict[str, str]:
    answer = ask(either_client, upstream.model(Script()))
    return {"chat": answer["id"], "model": answer["model"], "answer": answer["message_id"]}


@pytest.mark.parametrize("way", ["new", "next", "regenerated", "resumed"])
def test_headers(way: str, either_client: httpx2.Client, answered: dict[str, str]) -> None:
    chat, answer = answered["chat"], answered["answer"]
    asked = {"message": "Hello", "model": answered["model"], "stream": True}
    requests: dict[str, tuple[str, str, dict[str, Any]]] = {
        "new": ("POST", path_of(None), asked),
        "next": ("POST", path_of(chat), asked),
        "regenerated": ("POST", f"{path_of(chat)}/{answer}/regenerate", {"stream": True}),
        "resumed": ("GET", f"/api/chat/{chat}/stream", {}),
    }
    method, path, body = requests[way]
    headers = headers_of(either_client, method, path, json=body if body else None)
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Encoding" not in headers
    for name in ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
        assert headers[name]


def test_pieces_arrive_as_they_are_made(either_client: httpx2.Client, upstream: Upstream) -> None:
    """Each is read before the next one is let through."""
    gate = upstream.gate()
    pieces = words(5)
    asked = {"message": "Hello", "model": upstream.model(Script(pieces, gate=gate)), "stream": True}
    with either_client.stream("POST", "/api/chat", json=asked) as response:
        stream = events.stream(response)
        assert next(stream).type == "start"
        for piece in pieces:
            gate.let(1)
            assert events.text_of(events.read_text(stream, 1)) == piece
        gate.open()
        assert next(stream).type == "done"


def test_every_event_has_an_id_of_its_own(either_client: httpx2.Client, upstream: Upstream) -> None:
    asked = {"message": "Hello", "model": upstream.model(Script(words(50))), "stream": True}
    with either_client.stream("POST", "/api/chat", json=asked) as response:
        ids = [event.id for event in events.stream(response)]
    assert all(ids)
    assert len(set(ids)) == len(ids)
