"""A chat's title and metadata are its owner's to change."""

from typing import Any

import httpx2
import pytest

from tests.chat.asking import ask, error_of
from tests.upstream import Script, Upstream


@pytest.fixture
def chat(client: httpx2.Client, upstream: Upstream) -> str:
    return str(ask(client, upstream.model(Script()), metadata={"team": 7})["id"])


def change(client: httpx2.Client, chat: str, body: dict[str, Any]) -> httpx2.Response:
    return client.patch(f"/api/chat/{chat}", json=body)


def test_it_changes_what_is_named(client: httpx2.Client, chat: str) -> None:
    renamed = change(client, chat, {"title": "  Ours  "}).json()
    assert (renamed["title"], renamed["metadata"]) == ("Ours", {"team": 7})
    moved = change(client, chat, {"metadata": {"team": 8}}).json()
    assert (moved["title"], moved["metadata"]) == ("Ours", {"team": 8})
    assert client.get(f"/api/chat/{chat}").json() == moved


def test_other_fields_are_not_its_callers(client: httpx2.Client, chat: str) -> None:
    before = client.get(f"/api/chat/{chat}").json()
    changed = change(client, chat, {"id": "chat_1", "created_at": "1999-01-01T00:00:00Z"})
    assert (changed.status_code, changed.json()) == (200, before)


@pytest.mark.parametrize(
    "body",
    [{"title": ""}, {"title": " "}, {"title": None}, {"title": 5}, {"title": "x" * 201},
     {"metadata": None}, {"metadata": []}, {"metadata": "team"}],
    ids=lambda body: str(body)[:30],
)  # fmt: skip
def test_it_refuses_bad_values(body: dict[str, Any], client: httpx2.Client, chat: str) -> None:
    before = client.get(f"/api/chat/{chat}").json()
    response = change(client, chat, body)
    assert response.status_code == 400
    assert list(error_of(response)["details"]["invalid_fields"]) == list(body)
    assert client.get(f"/api/chat/{chat}").json() == before


def test_an_unchanged_chat_is_not_sent_again(client: httpx2.Client, chat: str) -> None:
    etag = {"If-None-Match": client.get(f"/api/chat/{chat}").headers["ETag"]}
    assert client.get(f"/api/chat/{chat}", headers=etag).status_code == 304
    change(client, chat, {"title": "Ours"})
    assert client.get(f"/api/chat/{chat}", headers=etag).status_code == 200
