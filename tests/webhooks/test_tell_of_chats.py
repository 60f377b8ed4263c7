"""Chats tell of their messages and of answers that have ended, each once, in its transaction."""

import json
from typing import Any

import httpx2
import pytest

from chat import ending
from chat.models import Message
from tests.chat.asking import ask, history, streaming
from tests.chat.test_survive_process import let_leases_expire
from tests.live import LiveAccount, StartServer
from tests.servers import Server
from tests.upstream import Script, Upstream, words
from tests.waiting import wait_until
from tests.webhooks.conftest import make_endpoint
from webhooks.catalogue import CATALOGUE
from webhooks.models import Event


@pytest.fixture
def client(daphne: Server, live_owner: LiveAccount) -> httpx2.Client:
    """Of an account with an endpoint."""
    make_endpoint(live_owner.user, "https://app.example/")
    return live_owner.client(daphne)


def told(account: LiveAccount) -> list[tuple[str, Any]]:
    """Type and data of the account's events, the oldest first."""
    events = Event.objects.filter(owner=account.user).order_by("id")
    return [(event.type, json.loads(event.body)["data"]) for event in events]


def test_a_question_and_its_answer(
    client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    answer = ask(client, upstream.model(Script(["Hi ", "there."])), message="Hello, world!")
    question, answered = history(client, answer["id"])
    common = {"chat_id": answer["id"], "user_id": live_owner.user.public_id}
    asked, said, completed = told(live_owner)
    assert asked == (
        "chat.message",
        {**common, "message_id": question["id"], "content": "Hello, world!", "role": "user"},
    )
    assert said == (
        "chat.message",
        {**common, "message_id": answered["id"], "content": "Hi there.", "role": "assistant"},
    )
    shown = {name: value for name, value in answered.items() if name != "id"}
    assert completed == ("chat.completed", {**common, "message_id": answered["id"], **shown})
    assert completed[1]["usage"] == answer["usage"]


def test_the_examples_are_like_them(
    client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    ask(client, upstream.model(Script()))
    for type, data in told(live_owner):
        example = CATALOGUE[type].data
        assert set(data) == set(example)
        assert {name: set(value) for name, value in data.items() if isinstance(value, dict)} == {
            name: set(value) for name, value in example.items() if isinstance(value, dict)
        }


def test_further_messages_edits_and_new_answers(
    client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    model = upstream.model(*[Script(["Fine."])] * 4)
    chat = ask(client, model)["id"]
    answer = ask(client, model, chat=chat, message="Again")
    question = history(client, chat)[2]["id"]
    edited = {"message": "Otherwise", "model": model}
    path = f"/api/chat/{chat}/messages"
    assert client.put(f"{path}/{question}", json=edited).status_code == 200
    again = client.post(f"{path}/{answer['message_id']}/regenerate", json={"model": model})
    assert again.status_code == 200
    types = [type if type == "chat.completed" else data["role"] for type, data in told(live_owner)]
    exchange = ["user", "assistant", "chat.completed"]
    assert types == exchange * 3 + exchange[1:]


def test_stopped_and_failed_answers_have_ended_too(
    client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    gate = upstream.gate(2)
    model = upstream.model(Script(words(5), gate=gate))
    with streaming(client, model) as stream:
        chat = next(stream).data["chat_id"]
        next(stream)
        client.post(f"/api/chat/{chat}/stop")
    ended = wait_until(lambda: [data for type, data in told(live_owner) if "status" in data])
    assert [data["status"] for data in ended] == ["stopped"]
    refusing = upstream.model(Script(status=401))
    assert client.post("/api/chat", json={"message": "Hello", "model": refusing}).status_code == 503
    [*_, asked, failed] = told(live_owner)
    assert (asked[1]["role"], failed[0]) == ("user", "chat.completed")  # and no empty message
    assert (failed[1]["status"], failed[1]["error"]) == ("failed", {"code": "MODEL_UNAVAILABLE"})


def test_answers_that_are_swept_up(
    client: httpx2.Client,
    start_server: StartServer,
    live_owner: LiveAccount,
    upstream: Upstream,
) -> None:
    dying = start_server()
    model = upstream.model(Script(words(5), gate=upstream.gate(2)))
    with streaming(live_owner.client(dying), model) as stream:
        next(stream)
        next(stream)
        dying.kill()
    let_leases_expire(live_owner)
    ending.sweep_abandoned()
    ending.sweep_abandoned()
    completed = [data for type, data in told(live_owner) if type == "chat.completed"]
    assert [data["status"] for data in completed] == ["failed"]


def test_what_is_refused_is_not_told(client: httpx2.Client, live_owner: LiveAccount) -> None:
    assert client.post("/api/chat", json={"message": ""}).status_code == 400
    assert told(live_owner) == []
    assert not Message.objects.filter(chat__owner=live_owner.user).exists()
