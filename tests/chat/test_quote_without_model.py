"""The model `extractive`: the words of the sources, cited, or the word that there are none."""

from typing import Any

import httpx2
import pytest

from tests import events
from tests.chat.asking import Json, ask, error_of, history, resuming, streaming
from tests.upstream import Script, Upstream

NOTHING = "I found nothing about that in the knowledge base."
TIERS = """# Plans

## Requests per minute

The standard plan allows 100 requests per minute. The premium plan allows 500 requests per minute.

## Storage

| Plan | Storage | Files | Projects |
|---|---|---|---|
| standard | 1 GB | 200 | 3 |
| premium | 20 GB | 2,000 | 30 |
"""
OFFICE = "The espresso machine on the third floor must be descaled every Friday."


@pytest.fixture
def known(client: httpx2.Client) -> None:
    items: list[Json] = [
        {"title": "Plans", "content": TIERS},
        {"title": "Office", "content": OFFICE},
    ]
    added = client.post("/api/knowledge/batch", json={"items": items})
    assert added.status_code == 201


def extract(client: httpx2.Client, question: str, **fields: Any) -> Json:
    return ask(client, "extractive", message=question, **fields)


def test_it_quotes_and_cites(client: httpx2.Client, upstream: Upstream, known: None) -> None:
    answer = extract(client, "How many requests per minute does the premium tier allow?")
    assert answer["message"] == "The premium plan allows 500 requests per minute. [1]"
    assert (answer["model"], answer["provider_model"]) == ("extractive", "extractive")
    (source,) = answer["sources"]
    assert source["metadata"]["section"] == "Requests per minute"
    assert answer["finish_reason"] == "stop"
    assert 10 < answer["usage"]["prompt_tokens"] < 15  # the question alone
    assert 10 < answer["usage"]["completion_tokens"] < 15
    assert upstream.calls("extractive") == []
    assert history(client, answer["id"])[-1]["sources"] == answer["sources"]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What's the cap on calls each minute with premium?", "500"),
        ("On which day of the week is the coffee machine cleaned?", "every Friday"),
        ("How much storage comes with the premium plan?", "20 GB"),
        ("How many projects may a standard plan have?", "3 (Projects)"),
    ],
)
def test_it_understands_other_words_and_tables(
    client: httpx2.Client, known: None, question: str, said: str
) -> None:
    assert said in extract(client, question)["message"]


@pytest.mark.parametrize("question", ["Hello!", "What's the capital of France?", "Tell me a joke."])
def test_it_says_when_there_is_nothing(client: httpx2.Client, known: None, question: str) -> None:
    answer = extract(client, question)
    assert (answer["message"], answer["sources"]) == (NOTHING, [])
    assert answer["status"] == "completed"


def test_it_needs_no_knowledge_to_say_so(client: httpx2.Client) -> None:
    assert extract(client, "Hello!")["message"] == NOTHING


def test_it_understands_a_follow_up(client: httpx2.Client, known: None) -> None:
    chat = extract(client, "How many requests per minute does the standard plan allow?")["id"]
    assert "500" in extract(client, "And for premium?", chat=chat)["message"]
    assert extract(client, "Thank you!", chat=chat)["message"] == NOTHING
    assert (
        "Friday" in extract(client, "When is the espresso machine descaled?", chat=chat)["message"]
    )


def test_it_streams(client: httpx2.Client, known: None) -> None:
    question = "How many requests per minute does the premium plan allow?"
    with streaming(client, "extractive", message=question) as stream:
        read = list(stream)
    assert [event.type for event in read][:3] == ["start", "source", "text"]
    assert events.text_of(read) == "The premium plan allows 500 requests per minute. [1]"
    assert read[-1].data["usage"]["completion_tokens"] > 0
    with resuming(client, read[0].data["chat_id"], read[1].id) as stream:
        assert events.text_of(stream) == events.text_of(read)


def test_it_keeps_to_max_tokens(client: httpx2.Client, known: None) -> None:
    answer = extract(client, "What must be descaled?", max_tokens=4)
    assert answer["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 4


def test_it_cannot_do_without_knowledge(client: httpx2.Client) -> None:
    asked = {"message": "Hello", "model": "extractive", "knowledge": False}
    response = client.post("/api/chat", json=asked)
    assert response.status_code == 400
    assert list(error_of(response)["details"]["invalid_fields"]) == ["knowledge"]


def test_a_chat_can_change_to_it_and_back(
    client: httpx2.Client, upstream: Upstream, known: None
) -> None:
    model = upstream.model(Script(["Fine."]))
    chat = extract(client, "What must be descaled?")["id"]
    assert ask(client, model, chat=chat, message="Hello")["message"] == "Fine."
    again = client.post(f"/api/chat/{chat}/messages", json={"message": "What must be descaled?"})
    assert again.json()["provider_model"] == "extractive"
