"""Talking to the chat API as its users do, in a word."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests import events
from tests.events import Event

Json = dict[str, Any]


def ask(client: httpx2.Client, model: str, *, chat: str | None = None, **fields: Any) -> Json:
    """A whole answer, which has to be a success. In `chat`, or in a new one."""
    response = client.post(path_of(chat), json={"message": "Hello", "model": model, **fields})
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


@contextmanager
def streaming(
    client: httpx2.Client, model: str, *, chat: str | None = None, **fields: Any
) -> Iterator[Iterator[Event]]:
    """The events of a streamed answer. Leaving hangs up."""
    asked = {"message": "Hello", "model": model, "stream": True, **fields}
    with client.stream("POST", path_of(chat), json=asked) as response:
        yield events.stream(response)


@contextmanager
def resuming(
    client: httpx2.Client, chat: str, last_event_id: str | None = None
) -> Iterator[Iterator[Event]]:
    """The events after `last_event_id`, or all of the answer's. Leaving hangs up."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    with client.stream("GET", f"/api/chat/{chat}/stream", headers=headers) as response:
        yield events.stream(response)


def path_of(chat: str | None) -> str:
    return f"/api/chat/{chat}/messages" if chat else "/api/chat"


def history(client: httpx2.Client, chat: str, **query: Any) -> list[Json]:
    response = client.get(f"/api/chat/{chat}/history", params=query)
    assert response.status_code == 200, response.text
    messages: list[Json] = response.json()["messages"]
    return messages


def error_of(response: httpx2.Response) -> Json:
    """What stands in the error format of the API."""
    assert set(response.json()) == {"error"}, response.text
    error: Json = response.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert error["details"]["request_id"] == response.headers["X-Request-Id"]
    return error
