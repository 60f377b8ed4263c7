"""The OpenAPI description is valid, complete and public; the explorer needs no other server."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from asgiref.sync import iscoroutinefunction
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from tests.servers import Server

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def schema(db: None, client: Client) -> dict[str, Any]:
    response = client.get("/api/schema")
    assert response.status_code == 200
    described: dict[str, Any] = response.json()
    return described


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def api_routes() -> list[URLPattern]:
    def patterns(items: list[URLPattern | URLResolver]) -> list[URLPattern]:
        found = []
        for item in items:
            found += patterns(item.url_patterns) if isinstance(item, URLResolver) else [item]
        return found

    return [
        route
        for item in get_resolver().url_patterns
        if str(item.pattern).startswith("api/")
        for route in patterns([item])
    ]


def test_it_is_valid(schema: dict[str, Any]) -> None:
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_it_has_every_route_and_method(schema: dict[str, Any]) -> None:
    methods = [
        method
        for route in api_routes()
        for method in getattr(route.callback, "actions", ())
        if method in METHODS
    ]
    assert len(methods) == len(operations(schema)) > 10


def test_every_route_is_served_without_a_change_of_thread() -> None:
    """`chatbot_project.api.asgi` counts on it: it keeps no thread for views that are sync."""
    for route in api_routes():
        assert iscoroutinefunction(route.callback), route


def test_every_operation_tells_its_errors(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        documented = set(operation["responses"])
        assert {"400", "401", "403", "429", "500", "503"} <= documented, (path, method)
        assert ("404" in documented) == ("{" in path), (path, method)
        assert "requestBody" not in operation or {"413", "415"} <= documented, (path, method)
        assert method != "post" or {"409", "422"} <= documented, (path, method)


def test_every_answer_tells_its_headers(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        for status, response in operation["responses"].items():
            shown = set(resolve(schema, response)["headers"])
            counted = {"X-RateLimit-Limit", "X-RateLimit-Reset"} if status != "408" else set()
            assert {"X-Request-Id"} | counted <= shown, (path, method, status)
    assert "Retry-After" in schema["components"]["responses"]["RateLimited"]["headers"]


def test_every_error_has_an_example_in_the_form(schema: dict[str, Any]) -> None:
    for response in schema["components"]["responses"].values():
        [example] = response["content"]["application/json"]["examples"].values()
        assert set(example["value"]["error"]) == {"code", "message", "details"}


def test_every_body_has_an_example_that_fits(schema: dict[str, Any]) -> None:
    """Bytes of a file and a stream have no schema that they could fit."""
    for path, method, operation in operations(schema):
        bodies = {"asked": operation.get("requestBody", {}), **operation["responses"]}
        for name, described in bodies.items():
            for type, content in described.get("content", {}).items():
                if type == "*/*":
                    continue
                assert content["examples"], (path, method, name)
                if type == "application/json":
                    fits = Draft4Validator(content["schema"] | {"components": schema["components"]})
                    for example in content["examples"].values():
                        fits.validate(example["value"])


def test_every_operation_is_told_in_words_and_needs_a_key(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        assert operation.get("summary"), (path, method)
        assert len(operation["security"]) == 1, (path, method)


def test_posts_take_an_idempotency_key(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        names = {parameter.get("name") for parameter in operation.get("parameters", [])}
        assert ("Idempotency-Key" in names) == (method == "post"), (path, method)


def test_only_json_is_taken_but_for_files(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        if "requestBody" in operation:
            taken = "multipart/form-data" if path == "/api/files/upload" else "application/json"
            assert set(operation["requestBody"]["content"]) == {taken}, (path, method)


def test_it_is_made_without_a_warning(tmp_path: Path) -> None:
    """There is one wherever a name has to be made up, with a hash in it."""
    call_command("spectacular", fail_on_warn=True, file=str(tmp_path / "schema.yaml"))


def test_lists_take_the_parameters_that_it_names_and_no_others(
    schema: dict[str, Any], owner_client: Client
) -> None:
    lists = {
        path: [given["name"] for given in operation["parameters"] if given["in"] == "query"]
        for path, method, operation in operations(schema)
        if method == "get" and "{" not in path and "limit" in str(operation.get("parameters"))
    }
    assert len(lists) == 5
    for path, names in lists.items():
        assert owner_client.get(path).json()["total"] == 0
        response = owner_client.get(path, {names[0]: "1", "statsu": "failed", "limits": "1"})
        assert response.status_code == 400, path
        refused = response.json()["error"]["details"]["invalid_fields"]
        assert list(refused) == ["limits", "statsu"]
        assert refused["statsu"][0].endswith(f"There are: {', '.join(sorted(names))}.")


def test_it_may_be_kept_and_asked_for_again(db: None, client: Client) -> None:
    first = client.get("/api/schema")
    again = client.get("/api/schema", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs"])
def test_it_is_read_alone(db: None, client: Client, path: str) -> None:
    response = client.post(path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


def test_the_explorer_loads_nothing_from_elsewhere(daphne: Server) -> None:
    with httpx2.Client(base_url=daphne.url, timeout=30) as client:
        page = client.get("/api/docs")
        assert page.headers["content-type"].startswith("text/html")
        sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(sources) == 4
        for source in sources:
            assert source.startswith("/static/")
            loaded = client.get(source)
            assert loaded.status_code == 200
            assert loaded.headers["x-request-id"]


def resolve(schema: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in response:
        return response
    found: dict[str, Any] = schema["components"]["responses"][response["$ref"].split("/")[-1]]
    return found
