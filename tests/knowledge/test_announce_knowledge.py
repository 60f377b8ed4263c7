"""What is added directly is told of, in the transaction that adds it."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from knowledge import services
from knowledge.models import Source
from tests.knowledge.conftest import AddText, MakeSource
from webhooks.catalogue import CATALOGUE
from webhooks.models import Endpoint, Event
from webhooks.services import create_endpoint

JSON = "application/json"


@pytest.fixture(autouse=True)
def endpoint(owner: User) -> Endpoint:
    """Nothing is kept of an account that has none."""
    return create_endpoint(owner, url="https://app.example/hook", events=["*"])[0]


def told() -> list[tuple[str, dict[str, Any]]]:
    """The type and the data of all events, the oldest first."""
    bodies = [json.loads(event.body) for event in Event.objects.order_by("id")]
    return [(body["event"], body["data"]) for body in bodies]


def test_a_text_is_told_of_as_it_is_shown(owner_client: Client, add_text: AddText) -> None:
    added = add_text(owner_client, "A valve.", title="Valves", tags=["a"], metadata={"n": 1})
    assert told() == [("knowledge.added", added)]
    assert list(added) == list(CATALOGUE["knowledge.added"].data)


def test_each_of_a_batch_is(owner_client: Client) -> None:
    items = [{"content": f"Valve {number}."} for number in range(3)]
    added = owner_client.post("/api/knowledge/batch", {"items": items}, content_type=JSON)
    assert told() == [("knowledge.added", each) for each in added.json()["results"]]


def test_nothing_else_is(owner_client: Client, owner: User, make_source: MakeSource) -> None:
    made = make_source(owner, ["A valve."])
    path = f"/api/knowledge/{made.public_id}"
    assert owner_client.patch(path, {"content": "x"}, content_type=JSON).status_code == 200
    assert owner_client.delete(path).status_code == 204
    make_source(owner, ["A page."], source_type="document", filename="a.pdf")
    assert (
        owner_client.post("/api/knowledge", {"content": ""}, content_type=JSON).status_code == 400
    )
    assert told() == []


def test_long_content_is_cut(owner_client: Client, add_text: AddText) -> None:
    add_text(owner_client, "é" * 10_000)
    [(_, data)] = told()
    assert data["content"] == "é" * 8_192
    assert data["truncated"] is True


def test_what_cannot_be_told_is_not_added(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(CATALOGUE, "knowledge.added")
    with pytest.raises(KeyError):
        services.add_texts(owner, [{"content": "A valve."}])
    assert not Source.objects.exists()
