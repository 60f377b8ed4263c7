"""A stranger's document does not exist: every route answers as for an id nobody made."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from chatbot_project.api import ids
from documents.models import Document, Version
from tests.documents.calling import Documents, error_of

ONE = "api/documents/<str:document_id>"
CHANGE = {"title": "Mine", "content": "two\n"}
ROUTES: dict[str, dict[str, dict[str, Any]]] = {
    ONE: {"GET": {}, "PUT": CHANGE, "PATCH": CHANGE, "DELETE": {}},
    f"{ONE}/restore": {"POST": {"version": 1}},
    f"{ONE}/diff": {"GET": {}},
    f"{ONE}/versions": {"GET": {}},
    f"{ONE}/versions/<str:version>": {"GET": {}},
}
CALLS = [(route, method) for route, methods in ROUTES.items() for method in methods]
UNKNOWN = ids.encode("doc", ids.uuid7())
MALFORMED = ["doc_1", "doc_", "1", "chat_01jh0000000000000000000000", "doc_" + "z" * 26, "%00", "Ω"]
named = pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(reversed(call)))


def called(client: Client, call: tuple[str, str], id: str, **headers: str) -> Any:
    route, method = call
    path = route.replace("<str:document_id>", id).replace("<str:version>", "1")
    body = json.dumps(ROUTES[route][method])
    return client.generic(method, f"/{path}", body, "application/json", headers=headers)


def refusal(response: Any) -> dict[str, Any]:
    """What a refusal says, less what is its own."""
    error = error_of(response)
    del error["details"]["request_id"]
    return {"status": response.status_code, **error}


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Document, Version)]


@named
def test_strangers(call: tuple[str, str], stranger_client: Client, document: str) -> None:
    before = everything()
    hidden = refusal(called(stranger_client, call, document))
    assert (hidden["status"], hidden["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert hidden == refusal(called(stranger_client, call, UNKNOWN))
    assert hidden == refusal(called(stranger_client, call, document, **{"If-Match": '"other"'}))
    assert everything() == before


@named
@pytest.mark.parametrize("id", MALFORMED)
def test_malformed_ids(id: str, call: tuple[str, str], owner_client: Client) -> None:
    response = called(owner_client, call, id)
    assert (response.status_code, error_of(response)["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_lists_are_ones_own(document: str, strangers: Documents) -> None:
    assert strangers.get()["total"] == strangers.get(search="Plan")["total"] == 0


@pytest.mark.parametrize("call", [*CALLS, ("api/documents", "GET"), ("api/documents", "POST")])
def test_scopes(
    call: tuple[str, str], owner: User, make_client: Any, document: str, monkeypatch: Any
) -> None:
    monkeypatch.setitem(ROUTES, "api/documents", {"GET": {}, "POST": {**CHANGE}})
    needed = "documents:read" if call[1] == "GET" else "documents:write"
    other = {"documents:read", "documents:write"} - {needed}
    refused = called(make_client(owner, ["chat:write", "files:write", *other]), call, document)
    assert refused.status_code == 403
    assert refusal(refused)["details"]["required_scope"] == needed
    assert called(make_client(owner, [needed]), call, document).status_code < 300


@named
def test_nobody(call: tuple[str, str], client: Client, document: str) -> None:
    assert called(client, call, document).status_code == 401
