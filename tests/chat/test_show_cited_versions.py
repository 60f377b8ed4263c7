"""Passages of versions are read anew when they are shown, all of a version at once."""

from typing import Any

import httpx2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chat import citations, document_passages
from chat.models import Chat, Message, Role
from documents import indexing, services
from documents.models import Document, Version
from tests.chat.asking import history, resuming
from tests.live import LiveAccount

PAGE = "<h1>Plan</h1><p>The launch is on 3 May.</p><h1>Food</h1><p>The cook is Ann.</p>"
SAID = ["The launch is on 3 May.", "The cook is Ann."]


def page(owner: User) -> Document:
    return services.create_document(owner=owner, title="Plan", content=PAGE, type="html")


@pytest.fixture
def read(monkeypatch: Any) -> list[int]:
    """The numbers of the versions that are read."""
    numbers: list[int] = []
    block_of = indexing.block_of

    def watched(version: Version) -> Any:
        numbers.append(version.number)
        return block_of(version)

    monkeypatch.setattr(citations, "block_of", watched)
    return numbers


def answer(chat: Chat, *documents: Document) -> Message:
    message = Message(chat=chat, role=Role.ASSISTANT)
    passages = [
        passage
        for document in documents
        for version in document.versions.all()
        for passage in document_passages.passages_of(version)
    ]
    citations.save(message, passages)
    message.sources = []
    return message


def test_each_version_is_read_once(owner: User, stranger: User, read: list[int]) -> None:
    chat = Chat.objects.create(owner=owner)
    mine = [page(owner), page(owner)]
    services.change_document(mine[0], content=PAGE.replace("May", "June"))
    said = [answer(chat, *mine), answer(chat, mine[0]), answer(chat, page(stranger))]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        citations.attach(said, owner.id)
    assert sorted(read) == [1, 1, 2]
    assert sum("documents_version" in query["sql"] for query in queries) == 1
    later = [text.replace("May", "June") for text in SAID]
    assert [[each["content"] for each in message.sources] for message in said] == [
        [*SAID, *later, *SAID],
        [*SAID, *later],
        [None, None],
    ]


def test_every_way_to_an_answer_shows_them(client: httpx2.Client, live_owner: LiveAccount) -> None:
    document = page(live_owner.user)
    key = {"Idempotency-Key": "cited-versions"}
    body = {"message": "When is the launch?", "model": "extractive"}
    asked = {**body, "attachments": [document.public_id]}
    first, again = (client.post("/api/chat", json=asked, headers=key).json() for _ in range(2))
    assert first["sources"][0]["content"] == SAID[0]
    assert again == first
    assert history(client, first["id"])[-1]["sources"] == first["sources"]
    with resuming(client, first["id"]) as stream:
        told = [event.data for event in stream if event.type == "source"]
    assert [each["content"] for each in told] == [SAID[0]]
    stopped = client.post(f"/api/chat/{first['id']}/stop").json()
    assert stopped == {"stopped": False, "message": None}
    rated = client.post(
        f"/api/chat/{first['id']}/messages/{first['message_id']}/feedback", json={"rating": "up"}
    )
    assert rated.json()["sources"] == first["sources"]
