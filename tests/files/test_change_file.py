"""Description, tags and visibility change, and what is found changes with them."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import create_api_key
from tests.files.calling import TIDES, Files, error_of, work


@pytest.fixture
def company(make_client: Any, staff: User) -> Files:
    """Of staff."""
    return Files(make_client(staff))


def test_tags_are_those_of_what_is_found(files: Files) -> None:
    id = files.upload(tags=["old"])["id"]
    work()
    changed = files.patch(id, tags=["new", "sea"], description="Other")
    assert (changed["tags"], changed["description"]) == (["new", "sea"], "Other")
    assert files.get(f"/{id}") == changed
    assert files.found(tags=["new"]) == [id]
    assert files.found(tags=["old"]) == []
    assert files.patch(id) == changed


def test_changed_before_it_is_processed(files: Files) -> None:
    id = files.upload()["id"]
    files.patch(id, tags=["new"])
    work()
    assert files.found(tags=["new"]) == [id]


@pytest.mark.parametrize(
    "change", [{"tags": "a"}, {"tags": [1]}, {"description": None}, {"visibility": "public"}]
)
def test_what_cannot_be(files: Files, change: dict[str, Any]) -> None:
    id = files.upload()["id"]
    response = files.call("patch", f"/{id}", change)
    assert response.status_code == 400
    [name] = error_of(response)["details"]["invalid_fields"]
    assert name.partition(".")[0] in change


def test_what_staff_share_everyone_finds(company: Files, files: Files) -> None:
    id = company.upload(visibility="shared")["id"]
    assert files.get(f"/{id}")["status"] == "processing"
    work()
    assert files.found() == [id]
    assert files.get()["total"] == files.get(visibility="shared")["total"] == 1
    assert files.call("get", f"/{id}/download").status_code == 200
    company.patch(id, visibility="private")
    assert files.found() == []
    assert files.call("get", f"/{id}").status_code == 404
    company.patch(id, visibility="shared")
    assert files.found() == [id]


def test_others_may_not_change_what_is_shared(company: Files, files: Files) -> None:
    id = company.upload(visibility="shared")["id"]
    for response in (
        files.call("patch", f"/{id}", {"tags": ["x"]}),
        files.call("delete", f"/{id}"),
        files.call("post", f"/{id}/reprocess"),
        files.call("post", f"/{id}/cancel"),
    ):
        assert (response.status_code, error_of(response)["code"]) == (
            403,
            "INSUFFICIENT_PERMISSIONS",
        )
    assert company.get()["total"] == 1


def test_staff_may(company: Files, files: Files, owner: User, staff: User) -> None:
    scopes = ["files:write", "files:read", "knowledge:share"]
    secret = create_api_key(owner, scopes=scopes, made_by=staff)[1]
    sharing = Files(Client(headers={"Authorization": f"Bearer {secret}"}))
    id = sharing.upload(visibility="shared")["id"]
    assert company.patch(id, tags=["x"])["tags"] == ["x"]
    company.delete(id)
    assert files.get()["total"] == 0


def test_others_may_not_share(files: Files) -> None:
    refused = files.send(TIDES, visibility="shared")
    id = files.upload()["id"]
    for response in (refused, files.call("patch", f"/{id}", {"visibility": "shared"})):
        assert response.status_code == 403
        assert error_of(response)["details"]["required_scope"] == "knowledge:share"
    assert files.get()["total"] == 1
