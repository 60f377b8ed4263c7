"""A stranger's file does not exist: every route answers as for an id nobody made."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from chatbot_project.api import ids
from files.models import StoredFile
from tests.files.calling import Files, error_of, work

ONE = "api/files/<str:file_id>"
ROUTES: dict[str, dict[str, dict[str, Any]]] = {
    ONE: {"GET": {}, "PATCH": {"tags": ["mine"]}, "DELETE": {}},
    f"{ONE}/status": {"GET": {}},
    f"{ONE}/download": {"GET": {}},
    f"{ONE}/reprocess": {"POST": {}},
    f"{ONE}/cancel": {"POST": {}},
}
CALLS = [(route, method) for route, methods in ROUTES.items() for method in methods]
UNKNOWN = ids.encode("file", ids.uuid7())
MALFORMED = ["file_1", "file_", "1", "doc_01jh0000000000000000000000", "file_" + "z" * 26, "%00"]
named = pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(reversed(call)))


@pytest.fixture
def file(files: Files) -> str:
    id: str = files.upload()["id"]
    work()
    return id


def called(client: Client, call: tuple[str, str], id: str) -> Any:
    route, method = call
    body = json.dumps(ROUTES[route][method]) if route in ROUTES else ""
    path = route.replace("<str:file_id>", id)
    return client.generic(method, f"/{path}", body, "application/json")


def refusal(response: Any) -> dict[str, Any]:
    """What a refusal says, less what is its own."""
    error = error_of(response)
    del error["details"]["request_id"]
    return {"status": response.status_code, **error}


@named
def test_strangers(call: tuple[str, str], stranger_client: Client, file: str) -> None:
    before = list(StoredFile.objects.values())
    hidden = refusal(called(stranger_client, call, file))
    assert (hidden["status"], hidden["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert hidden == refusal(called(stranger_client, call, UNKNOWN))
    assert list(StoredFile.objects.values()) == before


@named
def test_malformed_ids(call: tuple[str, str], owner_client: Client) -> None:
    for id in MALFORMED:
        response = called(owner_client, call, id)
        assert (response.status_code, error_of(response)["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_staff_see_no_private_files(make_client: Any, staff: User, file: str) -> None:
    assert make_client(staff).get(f"/api/files/{file}").status_code == 404


def test_lists_are_ones_own(file: str, strangers: Files) -> None:
    assert strangers.get()["total"] == strangers.get(search="tides")["total"] == 0
    assert strangers.found() == []


@pytest.mark.parametrize("call", [*CALLS, ("api/files", "GET"), ("api/files/upload", "POST")])
def test_scopes(call: tuple[str, str], owner: User, make_client: Any, file: str) -> None:
    needed = "files:read" if call[1] == "GET" else "files:write"
    other = {"files:read", "files:write"} - {needed}
    refused = called(make_client(owner, ["chat:write", "documents:write", *other]), call, file)
    assert refused.status_code == 403
    assert refusal(refused)["details"]["required_scope"] == needed
    assert called(make_client(owner, [needed]), call, file).status_code in (200, 204, 409, 415)


@named
def test_nobody(call: tuple[str, str], client: Client, file: str) -> None:
    assert called(client, call, file).status_code == 401
