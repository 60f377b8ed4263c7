"""Whatever fails, the answer has one form, and says nothing that is not meant for its reader."""

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client

pytestmark = pytest.mark.urls("tests.api.probe")


def error_of(response: HttpResponse) -> dict[str, Any]:
    """The error of an answer in the API's format, and in no other."""
    assert response["Content-Type"] == "application/json"
    body = json.loads(response.content)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["details"]["request_id"] == response["X-Request-Id"]
    error: dict[str, Any] = body["error"]
    return error


def post(client: Client, body: Any, content_type: str = "application/json") -> HttpResponse:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    response: Any = client.generic("POST", "/api/probe/things", data, content_type)
    return response


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nowhere", 404, "RESOURCE_NOT_FOUND"),
        ("GET", "/api", 404, "RESOURCE_NOT_FOUND"),
        ("GET", "/api/", 404, "RESOURCE_NOT_FOUND"),
        ("POST", "/api/chat/", 404, "RESOURCE_NOT_FOUND"),
        ("DELETE", "/api/probe/things", 405, "METHOD_NOT_ALLOWED"),
        ("OPTIONS", "/api/probe/things", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/api/probe/fail", 500, "INTERNAL_ERROR"),
        ("GET", "/api/probe/plain-failure", 500, "INTERNAL_ERROR"),
    ],
)
def test_every_failure_has_the_form(
    owner_client: Client, method: str, path: str, status: int, code: str
) -> None:
    response: Any = owner_client.generic(method, path)
    assert (response.status_code, error_of(response)["code"]) == (status, code)
    assert "nobody's business" not in response.content.decode()


def test_missing_fields_are_named(owner_client: Client) -> None:
    response = post(owner_client, {})
    error = error_of(response)
    assert (response.status_code, error["code"]) == (400, "INVALID_REQUEST")
    assert error["message"] == "The request is missing required parameters"
    assert error["details"]["missing_fields"] == ["name"]


def test_invalid_fields_are_named_with_the_reason(owner_client: Client) -> None:
    error = error_of(post(owner_client, {"name": "", "size": 101}))
    assert set(error["details"]["invalid_fields"]) == {"name", "size"}
    assert "missing_fields" not in error["details"]


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer x", "Basic abc", "Bearer cb_live_x"])
def test_without_a_good_key_nobody_is_let_in(db: None, key: str) -> None:
    response: Any = Client(headers={"Authorization": key} if key else {}).get("/api/chat")
    assert (response.status_code, error_of(response)["code"]) == (401, "INVALID_API_KEY")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_stranger_to_the_api_learns_no_method(db: None) -> None:
    assert Client().delete("/api/probe/things").status_code == 401


def test_405_names_what_is_allowed(owner_client: Client) -> None:
    assert owner_client.delete("/api/probe/things")["Allow"] == "POST"
    assert "Allow" not in owner_client.get("/api/usage")


def test_an_unknown_host_is_refused(owner_client: Client, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    response: Any = owner_client.get("/api/chat", headers={"Host": "evil.example.com"})
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")
    assert "Host" in error_of(response)["message"]


def test_a_compressed_body_is_refused(owner_client: Client) -> None:
    response: Any = owner_client.post(
        "/api/probe/things", b"\x1f\x8b", "application/json", headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 415
    assert "Content-Encoding" in error_of(response)["message"]


def test_a_body_over_the_limit_is_refused(owner_client: Client) -> None:
    response = post(owner_client, b'{"name": "' + b"x" * 12_000_000 + b'"}')
    assert (response.status_code, error_of(response)["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/json; charset=klingon",
    ],
)
def test_other_content_types_are_refused(owner_client: Client, content_type: str) -> None:
    response = post(owner_client, b'{"name": "a"}', content_type)
    assert (response.status_code, error_of(response)["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_failing_page_is_a_page(client: Client) -> None:
    client.raise_request_exception = False
    response: Any = client.get("/probe/failing-page")
    assert response.status_code == 500
    assert response["Content-Type"].startswith("text/html")
    assert "nobody's business" not in response.content.decode()


def test_an_unknown_page_is_a_page(client: Client) -> None:
    response: Any = client.get("/nowhere")
    assert response.status_code == 404
    assert "There is no page" in response.content.decode()
