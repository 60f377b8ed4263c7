"""The owner's chats, the latest first, in pages, searched."""

from datetime import timedelta

import httpx2
import pytest
from django.db.models.functions import Now

from chat.models import Message
from chatbot_project.api import ids
from tests.chat.asking import ask, error_of
from tests.upstream import Script, Upstream


@pytest.fixture
def model(upstream: Upstream) -> str:
    return upstream.model(Script(["Ask a 100% sure plumber_man."]))


@pytest.fixture
def chats(client: httpx2.Client, model: str) -> list[str]:
    """Three chats, the oldest first."""
    questions = ("Why does water boil?", "Does it RAIN in Łódź?", "What is rust?")
    return [str(ask(client, model, message=question)["id"]) for question in questions]


def found(client: httpx2.Client, **query: str | int) -> list[str]:
    response = client.get("/api/chat", params=query)
    assert response.status_code == 200, response.text
    return [chat["id"] for chat in response.json()["results"]]


def test_the_latest_is_first(client: httpx2.Client, chats: list[str], model: str) -> None:
    assert found(client) == chats[::-1]


def test_the_latest_used_is_first(client: httpx2.Client, chats: list[str], model: str) -> None:
    ask(client, model, chat=chats[0])
    assert found(client)[0] == chats[0]


def test_they_are_in_the_order_of_what_is_shown(client: httpx2.Client, chats: list[str]) -> None:
    oldest = Message.objects.filter(chat=ids.decode("chat", chats[0]))
    oldest.update(completed_at=Now() + timedelta(hours=1))  # its answer took that long
    shown = [chat["updated_at"] for chat in client.get("/api/chat").json()["results"]]
    assert shown == sorted(shown, reverse=True)


def test_the_end_of_an_answer_counts_in_its_history(
    client: httpx2.Client, chats: list[str]
) -> None:
    path = f"/api/chat/{chats[0]}"
    asked = client.get(path).json()["updated_at"]
    messages = Message.objects.filter(chat=ids.decode("chat", chats[0]), role="assistant")
    messages.update(completed_at=Now() + timedelta(hours=1))
    history = client.get(f"{path}/history").json()
    assert history["updated_at"] == history["messages"][-1]["timestamp"] > asked
    assert client.get(path).json()["updated_at"] == asked


def test_pages(client: httpx2.Client, chats: list[str]) -> None:
    page = client.get("/api/chat?limit=2&offset=1").json()
    assert [chat["id"] for chat in page["results"]] == [chats[1], chats[0]]
    assert (page["total"], page["limit"], page["offset"]) == (3, 2, 1)
    beyond = client.get("/api/chat?offset=99").json()
    assert (beyond["results"], beyond["total"], beyond["limit"]) == ([], 3, 20)


def test_what_is_shown(client: httpx2.Client, model: str) -> None:
    ask(client, model, message="Hi  there\nyou", system="Be brief.", metadata={"team": 7})
    (chat,) = client.get("/api/chat").json()["results"]
    assert chat == client.get(f"/api/chat/{chat['id']}").json()
    assert chat["title"] == "Hi there you"
    assert (chat["model"], chat["system"], chat["metadata"]) == (model, "Be brief.", {"team": 7})
    assert chat["created_at"] <= chat["updated_at"]


def test_search(client: httpx2.Client, chats: list[str]) -> None:
    assert found(client, search="water") == [chats[0]]
    assert found(client, search="rain in łÓDŹ") == [chats[1]]
    assert found(client, search="plumber") == chats[::-1]  # what was answered
    assert found(client, search="nothing of that") == []
    assert found(client, search="boil water") == []  # a piece of text, not words


def test_search_is_bounded(client: httpx2.Client) -> None:
    refused = client.get("/api/chat", params={"search": "x" * 1_001})
    assert list(error_of(refused)["details"]["invalid_fields"]) == ["search"]


def test_search_takes_its_words_as_they_are(client: httpx2.Client, chats: list[str]) -> None:
    assert found(client, search="100%") == chats[::-1]
    assert found(client, search="r_in") == []
    assert found(client, search="%") == chats[::-1]
    assert found(client, search="\\") == []


def test_search_in_titles(client: httpx2.Client, chats: list[str]) -> None:
    client.patch(f"/api/chat/{chats[2]}", json={"title": "Oxidation"})
    assert found(client, search="oxid") == [chats[2]]
