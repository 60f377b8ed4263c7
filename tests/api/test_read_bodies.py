"""Bodies and parameters that PostgreSQL or Python would stumble over are refused, never a 500."""

import json
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.api.probe")

DEEP = "[" * 100_000 + "]" * 100_000
HALF = "\\ud800"  # of a surrogate pair


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"not json",
        b'["a"]',
        b'"a"',
        b"null",
        b'{"name": "\\u0000"}',
        b'{"\\u0000": "a", "name": "a"}',
        b'{"name": "a\\u0000b", "nested": {"list": ["\\u0000"]}}',
        f'{{"name": "{HALF}"}}'.encode(),
        f'{{"name": "a", "{HALF}": 1}}'.encode(),
        f'{{"name": {DEEP}}}'.encode(),
        b'{"name": "a", "deep": ' + b"[" * 101 + b"]" * 101 + b"}",
        b'{"name": "a", "size": 9223372036854775808}',
        b'{"name": "a", "size": ' + b"9" * 5000 + b"}",
        b'{"name": "a", "size": 1e999}',
        b'{"name": "a", "size": NaN}',
        b'{"name": "a", "size": Infinity}',
        b'{"name": "\xff\xfe"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "a\x00b"}',
        b'{"name": "a", "lists": [' + b"[]," * 100_000 + b"[]]}",
        b'{"name": "a", "texts": [' + b'"",' * 500_000 + b'""]}',
    ],
)
def test_a_bad_body_is_an_invalid_request(owner_client: Client, body: bytes) -> None:
    response: Any = owner_client.post("/api/probe/things", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a"}',
        b'\xef\xbb\xbf{"name": "a"}',
        b'{"name": "a", "path": "C:\\\\u0000", "emoji": "\\ud83d\\ude00"}',
        b'{"name": "a", "deep": ' + b"[" * 90 + b"]" * 90 + b"}",
        b'{"name": "a", "wide": [' + b"[]," * 500 + b"[]]}",
        b'{"name": "a", "unknown": 1}',
        b'{"name": "a", "text": "' + b'[,{\\\\\\"' * 50_000 + b'"}',
        b'{"name": "a", "wide": [' + b"1," * 90_000 + b"1]}",
    ],
)
def test_a_good_body_is_read(owner_client: Client, body: bytes) -> None:
    response = owner_client.post("/api/probe/things", body, content_type="application/json")
    assert response.status_code == 201


def test_the_charset_may_be_named(owner_client: Client) -> None:
    body = json.dumps({"name": "ü"}, ensure_ascii=False).encode()
    kind = 'application/json; charset="UTF-8"'
    assert owner_client.post("/api/probe/things", body, content_type=kind).status_code == 201


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("search=%00", 400),
        ("search=%ff%fe", 200),
        ("limit=0", 400),
        ("limit=101", 400),
        ("limit=-1", 400),
        ("limit=ten", 400),
        ("limit=", 400),
        ("limit=%D9%A1", 400),  # an Arabic digit
        ("limit=" + "9" * 5000, 400),
        ("offset=-1", 400),
        ("offset=9223372036854775808", 400),
        ("limit=100&offset=1000", 200),
    ],
)
def test_query_parameters_are_checked(owner_client: Client, query: str, status: int) -> None:
    response: Any = owner_client.get(f"/api/chat?{query}")
    assert response.status_code == status
    if status == 400:
        error = response.json()["error"]
        assert error["code"] == "INVALID_REQUEST"
        assert error["details"].get("invalid_fields") or "NUL" in error["message"]


def test_a_list_says_where_it_stands(owner_client: Client) -> None:
    page: Any = owner_client.get("/api/chat?limit=5&offset=2").json()
    assert page == {"results": [], "total": 0, "limit": 5, "offset": 2}
