"""Another answer to the same question: a new branch beside the old answer."""

import httpx2
import pytest

from tests import events
from tests.chat.asking import ask, error_of, history
from tests.upstream import Script, Upstream


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(*(Script([text]) for text in ("First.", "Second.", "Third.")))


@pytest.fixture
def chat(client: httpx2.Client, model: str) -> str:
    answer = ask(client, model, temperature=0.5, max_tokens=7, system="Be brief.")
    return str(answer["id"])


def path(client: httpx2.Client, chat: str, index: int = -1) -> str:
    return f"/api/chat/{chat}/messages/{history(client, chat)[index]['id']}/regenerate"


def test_the_new_answer_is_shown(client: httpx2.Client, chat: str) -> None:
    before = history(client, chat)
    answer = client.post(path(client, chat), json={}).json()
    after = history(client, chat)
    assert answer["message"] == "Second."
    assert after[0] == before[0]
    assert (after[1]["id"], after[1]["content"]) == (answer["message_id"], "Second.")
    assert after[1]["parent_id"] == before[1]["parent_id"] == before[0]["id"]
    assert history(client, chat, all="true") == [*before, after[1]]


def test_it_asks_the_same_in_the_same_way(
    client: httpx2.Client, chat: str, model: str, upstream: Upstream
) -> None:
    assert client.post(path(client, chat)).status_code == 200  # a body is not needed
    first, second = (call.body for call in upstream.calls(model))
    assert first == second
    assert (second["temperature"], second["max_tokens"]) == (0.5, 7)


def test_it_can_ask_another_model_in_another_way(
    client: httpx2.Client, chat: str, upstream: Upstream
) -> None:
    other = upstream.model(Script(["Other."]))
    answer = client.post(path(client, chat), json={"model": other, "temperature": 1.0}).json()
    assert (answer["message"], answer["model"]) == ("Other.", other)
    body = upstream.calls(other)[0].body
    assert (body["temperature"], body["max_tokens"]) == (1.0, 7)


def test_it_streams(client: httpx2.Client, chat: str) -> None:
    with client.stream("POST", path(client, chat), json={"stream": True}) as response:
        assert events.text_of(events.stream(response)) == "Second."


def test_an_earlier_answer_begins_a_branch_there(
    client: httpx2.Client, chat: str, model: str, upstream: Upstream
) -> None:
    ask(client, model, chat=chat, message="Two?")
    client.post(path(client, chat, 1), json={})
    assert [message["content"] for message in history(client, chat)] == ["Hello", "Third."]
    asked = upstream.calls(model)[-1].body["messages"]
    assert [message["content"] for message in asked] == ["Be brief.", "Hello"]


def test_a_failed_answer_can_be_made_again(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(status=401), Script(["Fine."]))
    failed = client.post("/api/chat", json={"message": "Hello", "model": model})
    chat = error_of(failed)["details"]["chat_id"]
    assert client.post(path(client, chat), json={}).json()["message"] == "Fine."
    assert [message["status"] for message in history(client, chat)] == ["completed", "completed"]


def test_a_question_cannot_be_made_again(client: httpx2.Client, chat: str) -> None:
    response = client.post(path(client, chat, 0), json={})
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")
