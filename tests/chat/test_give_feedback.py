"""Thumbs up or down for an answer, with a comment."""

from typing import Any

import httpx2
import pytest

from tests.chat.asking import ask, error_of, history
from tests.upstream import Script, Upstream

NEITHER = [
    {"rating": "sideways"},
    {"rating": 5},
    {"rating": ["up"]},
    {"rating": "up", "comment": 5},
    {"rating": "up", "comment": "x" * 2001},
]


@pytest.fixture
def chat(client: httpx2.Client, upstream: Upstream) -> str:
    return str(ask(client, upstream.model(Script()))["id"])


def rate(client: httpx2.Client, chat: str, index: int = 1, **body: Any) -> httpx2.Response:
    message = history(client, chat)[index]["id"]
    return client.post(f"/api/chat/{chat}/messages/{message}/feedback", json=body)


def test_it_is_shown_in_the_history(client: httpx2.Client, chat: str) -> None:
    response = rate(client, chat, rating="down", comment="Too short.")
    assert response.status_code == 200
    assert response.json()["feedback"] == {"rating": "down", "comment": "Too short."}
    assert history(client, chat)[1] == response.json()


def test_the_last_word_counts(client: httpx2.Client, chat: str) -> None:
    rate(client, chat, rating="down", comment="Too short.")
    rate(client, chat, rating="up")
    assert history(client, chat)[1]["feedback"] == {"rating": "up", "comment": ""}


def test_it_can_be_taken_back(client: httpx2.Client, chat: str) -> None:
    rate(client, chat, rating="up")
    rate(client, chat, rating=None)
    assert history(client, chat)[1]["feedback"] is None


@pytest.mark.parametrize("body", NEITHER, ids=lambda body: str(body)[:40])
def test_it_refuses_others(body: dict[str, Any], client: httpx2.Client, chat: str) -> None:
    response = rate(client, chat, **body)
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")
    assert history(client, chat)[1]["feedback"] is None


def test_a_rating_is_required(client: httpx2.Client, chat: str) -> None:
    assert error_of(rate(client, chat))["details"]["missing_fields"] == ["rating"]


def test_questions_are_not_rated(client: httpx2.Client, chat: str) -> None:
    response = rate(client, chat, 0, rating="up")
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")
