"""Events tell of new documents and of new versions, in the transaction that makes them."""

import json
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from documents import services
from documents.models import Document
from tests.documents.calling import Documents
from webhooks.catalogue import CATALOGUE
from webhooks.models import Endpoint, Event
from webhooks.services import create_endpoint


@pytest.fixture(autouse=True)
def endpoint(owner: User) -> Endpoint:
    """Nothing is kept of an account that has none."""
    return create_endpoint(owner, url="https://app.example/hook", events=["*"])[0]


def told() -> list[tuple[str, dict[str, Any]]]:
    """The type and the data of all events, the oldest first."""
    bodies = [json.loads(event.body) for event in Event.objects.order_by("id")]
    return [(body["event"], body["data"]) for body in bodies]


def test_each_version_is_told_of_as_it_is_shown(documents: Documents) -> None:
    created = documents.create(title="Plan", content="one\n")
    changed = documents.put(created["id"], content="two\n")
    renamed = documents.patch(created["id"], title="Plans")
    restored = documents.restore(created["id"], 1)
    assert told() == [
        ("document.created", created),
        ("document.updated", changed),
        ("document.updated", renamed),
        ("document.updated", restored),
    ]


def test_what_makes_no_version_is_not_told(documents: Documents, document: str) -> None:
    documents.put(document, content="one\n")
    documents.put(document, knowledge=True)
    documents.call("put", f"/{document}", {"content": "two\n"}, if_match='"other"')
    documents.call("put", f"/{document}", {"content": "two\n", "type": "pdf"})
    documents.call("post", "", {"title": "No content"})
    documents.call("delete", f"/{document}")
    assert [type for type, _ in told()] == ["document.created"]


def test_long_content_is_cut(documents: Documents) -> None:
    created = documents.create(content="é" * 10_000)
    [(_, data)] = told()
    assert data == {**created, "content": "é" * 8_192, "truncated": True}


def test_a_change_that_is_taken_back_is_not_told(owner: User, document: str) -> None:
    class Stop(Exception):
        pass

    with pytest.raises(Stop), transaction.atomic():
        services.change_document(Document.objects.get(), content="two\n")
        raise Stop
    assert [type for type, _ in told()] == ["document.created"]


def test_the_catalogue_shows_what_a_document_has(documents: Documents, document: str) -> None:
    for type in ("document.created", "document.updated"):
        assert list(CATALOGUE[type].data) == list(documents.get(f"/{document}"))
