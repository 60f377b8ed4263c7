"""A single resource has an ETag, and is not sent again to who has it."""

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.api.probe")
PATH = "/api/probe/things/hammer"


def test_a_resource_has_a_strong_etag(owner_client: Client) -> None:
    etag = owner_client.get(PATH)["ETag"]
    assert etag.startswith('"')
    assert etag == owner_client.get(PATH)["ETag"]
    assert etag != owner_client.get("/api/probe/things/saw")["ETag"]


@pytest.mark.parametrize("pattern", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_is_sent_304(owner_client: Client, pattern: str) -> None:
    etag = owner_client.get(PATH)["ETag"]
    response = owner_client.get(PATH, headers={"If-None-Match": pattern.format(etag)})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
    assert "X-RateLimit-Limit" in response


def test_what_is_kept_stays_as_public_as_it_was(client: Client, db: None) -> None:
    whole = client.get("/api/schema")
    response = client.get("/api/schema", headers={"If-None-Match": whole["ETag"]})
    assert response.status_code == 304
    assert response["Cache-Control"] == whole["Cache-Control"] == "public, max-age=300"
    assert "Content-Type" not in response


def test_who_has_another_version_is_sent_this_one(owner_client: Client) -> None:
    response = owner_client.get(PATH, headers={"If-None-Match": '"other"'})
    assert (response.status_code, response.json()) == (200, {"name": "hammer"})


def test_a_list_has_none(owner_client: Client) -> None:
    assert "ETag" not in owner_client.get("/api/chat")


def test_another_version_than_expected_is_a_failed_precondition(owner_client: Client) -> None:
    response = owner_client.get(PATH, headers={"If-Match": '"other"'})
    assert response.status_code == 412
    assert response.json()["error"]["code"] == "PRECONDITION_FAILED"
    assert owner_client.get(PATH, headers={"If-Match": "*"}).status_code == 200
