"""A stranger's source does not exist: every route answers as for an id nobody made."""

import json
from typing import Any

import pytest
from django.test import Client

from chatbot_project.api import ids
from knowledge.models import Source
from tests.knowledge.conftest import AddText

ROUTES: dict[str, dict[str, dict[str, Any]]] = {
    "api/knowledge/<str:source_id>": {"GET": {}, "PATCH": {"title": "Mine"}, "DELETE": {}},
    "api/knowledge/<str:source_id>/chunks": {"GET": {}},
}
CALLS = [(route, method) for route, methods in ROUTES.items() for method in methods]


def refusal(client: Client, call: tuple[str, str], id: str) -> dict[str, Any]:
    """How the call is refused, less what is its own."""
    route, method = call
    path, body = route.replace("<str:source_id>", id), json.dumps(ROUTES[route][method])
    response: Any = client.generic(method, f"/{path}", body, "application/json")
    error: dict[str, Any] = response.json()["error"]
    del error["details"]["request_id"]
    return {"status": response.status_code, **error}


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_strangers(
    call: tuple[str, str], owner_client: Client, stranger_client: Client, add_text: AddText
) -> None:
    source = add_text(owner_client, "The moon moves the sea.")
    before = list(Source.objects.values())
    hidden = refusal(stranger_client, call, source["id"])
    assert (hidden["status"], hidden["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert hidden == refusal(stranger_client, call, ids.encode("src", ids.uuid7()))
    assert list(Source.objects.values()) == before
