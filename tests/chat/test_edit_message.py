"""An edited question begins a new branch; the old one is kept."""

import httpx2
import pytest

from tests import events
from tests.chat.asking import Json, ask, error_of, history
from tests.upstream import Script, Upstream


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(*(Script([text]) for text in ("First.", "Second.", "Third.", "Fourth.")))


@pytest.fixture
def chat(client: httpx2.Client, model: str) -> str:
    """A chat of two questions and answers."""
    chat = ask(client, model, message="One?")["id"]
    ask(client, model, chat=chat, message="Two?")
    return str(chat)


def said(messages: list[Json]) -> list[str]:
    return [message["content"] for message in messages]


def edit(client: httpx2.Client, chat: str, message: str, **asked: object) -> httpx2.Response:
    return client.put(f"/api/chat/{chat}/messages/{message}", json={"message": "Else?", **asked})


def test_the_history_shows_the_new_branch(client: httpx2.Client, chat: str) -> None:
    before = history(client, chat)
    answer = edit(client, chat, before[2]["id"])
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["message"]) == (chat, "Third.")
    after = history(client, chat)
    assert said(after) == ["One?", "First.", "Else?", "Third."]
    assert after[:2] == before[:2]
    assert after[2]["parent_id"] == before[1]["id"]


def test_all_shows_every_branch(client: httpx2.Client, chat: str) -> None:
    before = history(client, chat)
    edit(client, chat, before[2]["id"])
    everything = history(client, chat, all="true")
    assert said(everything) == ["One?", "First.", "Two?", "Second.", "Else?", "Third."]
    assert everything[:4] == before


def test_the_model_is_told_the_new_branch_alone(
    client: httpx2.Client, chat: str, model: str, upstream: Upstream
) -> None:
    edit(client, chat, history(client, chat)[0]["id"])
    ask(client, model, chat=chat, message="Next?")
    asked = [said(call.body["messages"]) for call in upstream.calls(model)]
    assert asked[2:] == [["Else?"], ["Else?", "Third.", "Next?"]]


def test_it_streams(client: httpx2.Client, chat: str) -> None:
    message = history(client, chat)[0]["id"]
    with client.stream(
        "PUT", f"/api/chat/{chat}/messages/{message}", json={"message": "Else?", "stream": True}
    ) as response:
        assert events.text_of(events.stream(response)) == "Third."
    assert said(history(client, chat)) == ["Else?", "Third."]


def test_an_answer_cannot_be_edited(client: httpx2.Client, chat: str) -> None:
    before = history(client, chat)
    response = edit(client, chat, before[1]["id"])
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")
    assert history(client, chat, all="true") == before


def test_the_text_is_required(client: httpx2.Client, chat: str) -> None:
    message = history(client, chat)[0]["id"]
    response = client.put(f"/api/chat/{chat}/messages/{message}", json={"model": "any"})
    assert error_of(response)["details"]["missing_fields"] == ["message"]
