"""Stopping ends the call to the model, wherever the answer is written, and keeps what there is."""

from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests import events
from tests.chat.asking import ask, history, streaming
from tests.upstream import Script, Upstream, words

PIECES = words(20)
SAID = "".join(PIECES[:10])
Clients = tuple[httpx2.Client, httpx2.Client]


def test_it_ends_a_streamed_answer(clients: Clients, upstream: Upstream) -> None:
    writing, stopping = clients
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)))
    with streaming(writing, model) as stream:
        read = events.read_text(stream, len(SAID))
        chat = read[0].data["chat_id"]
        stopped = stopping.post(f"/api/chat/{chat}/stop").json()
        read += stream
    assert upstream.wait_for_call(model).dropped.wait(15)
    assert stopped["stopped"]
    assert (stopped["message"]["status"], stopped["message"]["content"]) == ("stopped", SAID)
    assert (read[-1].type, read[-1].data["status"]) == ("done", "stopped")
    assert events.text_of(read) == SAID
    assert history(stopping, chat)[-1] == stopped["message"]


def test_it_ends_a_whole_answer(clients: Clients, upstream: Upstream) -> None:
    writing, stopping = clients
    model = upstream.model(Script(), Script(gate=upstream.gate()))
    chat = ask(writing, model)["id"]
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, writing, model, chat=chat)
        call = upstream.wait_for_call(model, 2)
        assert stopping.post(f"/api/chat/{chat}/stop").json()["stopped"]
        answer = asked.result()
    assert call.dropped.wait(15)
    assert (answer["status"], answer["message"]) == ("stopped", "")


def test_the_chat_goes_on_afterwards(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)), Script(["Fine."]))
    with streaming(client, model) as stream:
        chat = events.read_text(stream, len(SAID))[0].data["chat_id"]
        client.post(f"/api/chat/{chat}/stop")
    assert ask(client, model, chat=chat)["message"] == "Fine."
    said = [(m["role"], m["content"]) for m in upstream.calls(model)[-1].body["messages"]]
    assert said == [("user", "Hello"), ("assistant", SAID), ("user", "Hello")]


def test_it_counts_what_was_written(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)))
    with streaming(client, model) as stream:
        chat = events.read_text(stream, len(SAID))[0].data["chat_id"]
        stopped = client.post(f"/api/chat/{chat}/stop").json()["message"]
    assert stopped["usage"]["completion_tokens"] >= 10
    assert stopped["usage"]["prompt_tokens"] >= 1


def test_there_may_be_nothing_to_stop(client: httpx2.Client, upstream: Upstream) -> None:
    chat = ask(client, upstream.model(Script()))["id"]
    response = client.post(f"/api/chat/{chat}/stop")
    assert (response.status_code, response.json()) == (200, {"stopped": False, "message": None})
