"""A stranger's endpoint does not exist: every route answers as for an id nobody made."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from chatbot_project.api import ids
from tests.webhooks.conftest import SAID, make_endpoint
from webhooks import events
from webhooks.models import Attempt, Delivery, Endpoint

ONE = "api/webhooks/<str:webhook_id>"
ROUTES: dict[str, dict[str, dict[str, Any]]] = {
    ONE: {"GET": {}, "PATCH": {"description": "Mine"}, "DELETE": {}},
    f"{ONE}/rotate-secret": {"POST": {}},
    f"{ONE}/ping": {"POST": {}},
    f"{ONE}/recover": {"POST": {"since": "2025-01-06T12:00:00Z"}},
    f"{ONE}/deliveries": {"GET": {}},
    f"{ONE}/deliveries/<str:delivery_id>": {"GET": {}},
    f"{ONE}/deliveries/<str:delivery_id>/redeliver": {"POST": {}},
}
CALLS = [(route, method) for route, methods in ROUTES.items() for method in methods]
UNKNOWN = {
    "<str:webhook_id>": ids.encode("wh", ids.uuid7()),
    "<str:delivery_id>": ids.encode("dlv", ids.uuid7()),
}


@pytest.fixture
def owned(owner: User) -> dict[str, str]:
    """The ids of the owner's endpoint and of a delivery to it."""
    endpoint = make_endpoint(owner, "https://app.example/hook")
    events.emit("chat.message", owner, SAID)
    delivery = endpoint.deliveries.get()
    return {"<str:webhook_id>": endpoint.public_id, "<str:delivery_id>": delivery.public_id}


def called(client: Client, call: tuple[str, str], ids: dict[str, str]) -> Any:
    route, method = call
    for parameter, id in ids.items():
        route = route.replace(parameter, id)
    body = ROUTES[call[0]][method]
    response: Any = client.generic(
        method, f"/{route}", json.dumps(body), content_type="application/json"
    )
    return response


def refusal(response: Any) -> dict[str, Any]:
    error = response.json()["error"]
    del error["details"]["request_id"]
    return {"status": response.status_code, **error}


def everything() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Endpoint, Delivery, Attempt)]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(reversed(call)))
def test_strangers(call: tuple[str, str], stranger_client: Client, owned: dict[str, str]) -> None:
    before = everything()
    hidden = refusal(called(stranger_client, call, owned))
    assert (hidden["status"], hidden["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert hidden == refusal(called(stranger_client, call, UNKNOWN))
    assert everything() == before


@pytest.mark.parametrize("call", [call for call in CALLS if "delivery_id" in call[0]], ids=str)
def test_a_delivery_of_another_endpoint(
    call: tuple[str, str], owner: User, owner_client: Client, owned: dict[str, str]
) -> None:
    other = make_endpoint(owner, "https://other.example/hook").public_id
    assert called(owner_client, call, {**owned, "<str:webhook_id>": other}).status_code == 404


def test_lists_are_ones_own(stranger_client: Client, owned: dict[str, str]) -> None:
    assert stranger_client.get("/api/webhooks").json()["total"] == 0


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(reversed(call)))
def test_scopes(
    call: tuple[str, str], owner: User, make_client: Any, owned: dict[str, str]
) -> None:
    needed = "webhooks:read" if call[1] == "GET" else "webhooks:write"
    others = [scope for scope in ("webhooks:read", "webhooks:write") if scope != needed]
    refused = called(make_client(owner, ["chat:write", *others]), call, owned)
    assert refused.status_code == 403
    assert refusal(refused)["details"]["required_scope"] == needed
