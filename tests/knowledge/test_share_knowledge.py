"""Shared knowledge is everyone's to find, and its owner's and staff's to change."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import create_api_key
from chatbot_project.api import ids
from knowledge.models import EVERYONE, TermStat
from tests.knowledge.conftest import AddText, MakeSource

JSON = "application/json"
SHARED = {"content": "The office closes at six.", "visibility": "shared"}


def finds(client: Client, query: str, type: str = "hybrid") -> list[str]:
    body = {"query": query, "type": type}
    response = client.post("/api/knowledge/search", body, content_type=JSON)
    return [result["content"] for result in response.json()["results"]]


@pytest.fixture
def staff_client(make_client: Callable[..., Client], staff: User) -> Client:
    return make_client(staff)


@pytest.mark.parametrize("type", ["semantic", "text", "hybrid"])
def test_everyone_finds_what_staff_share(
    staff_client: Client, stranger_client: Client, owner_client: Client, type: str
) -> None:
    added = staff_client.post("/api/knowledge", SHARED, content_type=JSON)
    assert added.status_code == 201
    assert added.json()["visibility"] == "shared"
    for client in (stranger_client, owner_client):
        assert finds(client, "When does the office close?", type) == [SHARED["content"]]
        assert client.get(f"/api/knowledge/{added.json()['id']}").status_code == 200
        assert client.get("/api/knowledge").json()["total"] == 1


def test_what_is_private_nobody_else_finds(
    owner_client: Client, stranger_client: Client, staff_client: Client, add_text: AddText
) -> None:
    path = f"/api/knowledge/{add_text(owner_client, 'My secret valve.')['id']}"
    unknown = f"/api/knowledge/{ids.encode('src', ids.uuid7())}"
    for client in (stranger_client, staff_client):
        for type in ("semantic", "text", "hybrid"):
            assert finds(client, "secret valve", type) == []
        assert client.get("/api/knowledge").json()["total"] == 0
        for each in (path, unknown, "/api/knowledge/src_x", "/api/knowledge/nothing"):
            assert client.get(each).status_code == 404
            assert client.patch(each, {"title": "x"}, content_type=JSON).status_code == 404
            assert client.delete(each).status_code == 404


def test_others_may_not_share(owner_client: Client, add_text: AddText) -> None:
    path = f"/api/knowledge/{add_text(owner_client, 'A valve.')['id']}"
    for response in (
        owner_client.post("/api/knowledge", SHARED, content_type=JSON),
        owner_client.post("/api/knowledge/batch", {"items": [SHARED]}, content_type=JSON),
        owner_client.patch(path, {"visibility": "shared"}, content_type=JSON),
    ):
        assert response.status_code == 403
        assert response.json()["error"]["details"]["required_scope"] == "knowledge:share"


def test_a_key_with_the_scope_may_share(owner: User, staff: User) -> None:
    scopes = ["knowledge:write", "knowledge:share"]
    secret = create_api_key(owner, scopes=scopes, made_by=staff)[1]
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert client.post("/api/knowledge", SHARED, content_type=JSON).status_code == 201


def test_a_key_of_staff_without_the_scope_may_not(
    make_client: Callable[..., Client], staff: User
) -> None:
    client = make_client(staff, scopes=["knowledge:write"])
    assert client.post("/api/knowledge", SHARED, content_type=JSON).status_code == 403


def test_others_may_not_change_what_is_shared(
    staff: User, owner_client: Client, staff_client: Client, owner: User, make_source: MakeSource
) -> None:
    source = make_source(staff, ["a"], visibility="shared")
    path = f"/api/knowledge/{source.public_id}"
    assert owner_client.patch(path, {"tags": ["x"]}, content_type=JSON).status_code == 403
    assert owner_client.delete(path).status_code == 403
    of_owner = make_source(owner, ["b"], visibility="shared")
    assert staff_client.delete(f"/api/knowledge/{of_owner.public_id}").status_code == 204


@pytest.mark.parametrize("type", ["semantic", "text", "hybrid"])
def test_sharing_can_be_begun_and_ended(
    staff_client: Client, staff: User, stranger_client: Client, add_text: AddText, type: str
) -> None:
    path = f"/api/knowledge/{add_text(staff_client, 'A valve and a pump.')['id']}"
    before = set(TermStat.objects.values_list("audience", "term", "chunks"))
    staff_client.patch(path, {"visibility": "shared"}, content_type=JSON)
    assert finds(stranger_client, "valve", type) == ["A valve and a pump."]
    assert {audience for audience, _, _ in counts()} == {EVERYONE}
    staff_client.patch(path, {"visibility": "private"}, content_type=JSON)
    assert finds(stranger_client, "valve", type) == []
    assert finds(staff_client, "valve", type) == ["A valve and a pump."]
    assert counts() == before


def counts() -> set[tuple[object, int, int]]:
    return set(TermStat.objects.values_list("audience", "term", "chunks"))
