"""One answer at a time in a chat: whoever asks meanwhile is told to wait."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.chat.asking import ask, error_of, history, streaming
from tests.events import Event
from tests.upstream import Script, Upstream, words

PIECES = words(20)
Clients = tuple[httpx2.Client, httpx2.Client]


@pytest.fixture
def busy(clients: Clients, upstream: Upstream) -> Iterator[tuple[str, str, Iterator[Event]]]:
    """A chat whose second answer is being written, its model, and the events of that answer."""
    writing, _ = clients
    gate = upstream.gate(1)
    model = upstream.model(Script(["First."]), Script(PIECES, gate=gate), Script(["Third."]))
    chat = ask(writing, model)["id"]
    with streaming(writing, model, chat=chat) as stream:
        next(stream)
        yield chat, model, stream
        gate.open()
        assert list(stream)[-1].type == "done"


def test_it_refuses_every_way_to_ask(
    clients: Clients, busy: tuple[str, str, Iterator[Event]]
) -> None:
    _, asking = clients
    chat, model, _ = busy
    question, answer = [message["id"] for message in history(asking, chat)[:2]]
    asked = {"message": "Hello", "model": model}
    refused = [
        asking.post(f"/api/chat/{chat}/messages", json=asked),
        asking.post(f"/api/chat/{chat}/messages", json={**asked, "stream": True}),
        asking.put(f"/api/chat/{chat}/messages/{question}", json=asked),
        asking.post(f"/api/chat/{chat}/messages/{answer}/regenerate", json={}),
    ]
    for response in refused:
        assert response.status_code == 409
        assert error_of(response)["code"] == "CONFLICT"
        assert int(response.headers["Retry-After"]) >= 1
    assert len(history(asking, chat, all="true")) == 4


def test_other_chats_go_on(
    clients: Clients, upstream: Upstream, busy: tuple[str, str, Iterator[Event]]
) -> None:
    _, asking = clients
    assert ask(asking, upstream.model(Script(["Hi."])))["message"] == "Hi."


def test_it_takes_the_next_one_afterwards(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(PIECES), Script(["Second."]))
    with streaming(client, model) as stream:
        start, *_ = stream
    chat = start.data["chat_id"]
    assert ask(client, model, chat=chat)["message"] == "Second."
