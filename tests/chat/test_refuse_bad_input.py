"""Every kind of bad input has its error, and nothing comes of it."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from django.utils import timezone

from accounts import services
from accounts.models import ApiKey
from chatbot_project.api import ids
from tests.chat.asking import ask, error_of, history
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream

JSON = {"Content-Type": "application/json"}
NOBODYS = UUID("019a8c4b-6f1e-7c3d-9e2f-5a4b3c2d1e0f")


@dataclass(frozen=True)
class Refused:
    content: bytes
    status: int = 400
    code: str = "INVALID_REQUEST"
    missing: list[str] | None = None
    invalid: list[str] | None = None
    headers: dict[str, str] = field(default_factory=lambda: JSON)


def body(**fields: Any) -> bytes:
    return json.dumps({"message": "Hello", "model": "any", **fields}).encode()


def deep(levels: int) -> bytes:
    return b'{"message": "Hello", "metadata": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


BAD_BODIES = {
    "no body": Refused(b"", missing=["message"]),
    "empty object": Refused(b"{}", missing=["message"]),
    "not JSON": Refused(b"message=Hello"),
    "half of it": Refused(b'{"message": "Hel'),
    "a list": Refused(b'["Hello"]'),
    "a string": Refused(b'"Hello"'),
    "NaN": Refused(b'{"message": "Hello", "temperature": NaN}'),
    "message: a number": Refused(body(message=5), invalid=["message"]),
    "message: null": Refused(body(message=None), invalid=["message"]),
    "message: an object": Refused(body(message={"text": "Hello"}), invalid=["message"]),
    "message: empty": Refused(body(message=""), invalid=["message"]),
    "message: blank": Refused(body(message=" \n\t "), invalid=["message"]),
    "message: too long": Refused(body(message="x" * 32_001), invalid=["message"]),
    "model: a number": Refused(body(model=4), invalid=["model"]),
    "model: too long": Refused(body(model="m" * 1000), invalid=["model"]),
    "stream: a word": Refused(body(stream="perhaps"), invalid=["stream"]),
    "stream: null": Refused(body(stream=None), invalid=["stream"]),
    "attachments: a word": Refused(body(attachments="file"), invalid=["attachments"]),
    "attachments: some": Refused(body(attachments=["file_1"]), invalid=["attachments"]),
    "system: a list": Refused(body(system=["Be brief."]), invalid=["system"]),
    "metadata: a list": Refused(body(metadata=[1]), invalid=["metadata"]),
    "temperature: a word": Refused(body(temperature="hot"), invalid=["temperature"]),
    "temperature: too high": Refused(body(temperature=2.1), invalid=["temperature"]),
    "temperature: below 0": Refused(body(temperature=-1), invalid=["temperature"]),
    "temperature: infinite": Refused(b'{"message": "Hello", "temperature": 1e999}'),
    "max_tokens: 0": Refused(body(max_tokens=0), invalid=["max_tokens"]),
    "max_tokens: half": Refused(body(max_tokens=1.5), invalid=["max_tokens"]),
    "max_tokens: beyond 64 bits": Refused(body(max_tokens=2**70), invalid=["max_tokens"]),
    "a number of 5,000 digits": Refused(
        b'{"message": "Hello", "max_tokens": ' + b"9" * 5000 + b"}"
    ),
    "response_format: a word": Refused(body(response_format="json"), invalid=["response_format"]),
    "nested too deep": Refused(deep(200)),
    "nested 100,000 deep": Refused(deep(100_000)),
    "NUL in the message": Refused(body(message="a\0b")),
    "NUL in the metadata": Refused(body(metadata={"a\0": 1})),
    "half a surrogate pair": Refused(b'{"message": "\\ud83d"}'),
    "bad UTF-8": Refused(b'{"message": "\xff\xfe"}'),
    "UTF-16": Refused('{"message": "Hello"}'.encode("utf-16")),
    "unknown charset": Refused(
        body(),
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        headers={"Content-Type": "application/json; charset=klingon"},
    ),
    "a form": Refused(
        b"message=Hello",
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "no content type": Refused(body(), 415, "UNSUPPORTED_MEDIA_TYPE", headers={}),
    "12 MB": Refused(body(message="x" * 12_000_000), 413, "PAYLOAD_TOO_LARGE"),
}
OF_NEW_CHATS = {"system: a list", "metadata: a list"}  # fields that a message does not have


@pytest.fixture
def chat(client: httpx2.Client, upstream: Upstream) -> str:
    return str(ask(client, upstream.model(Script()))["id"])


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bodies(name: str, client: httpx2.Client, chat: str) -> None:
    refused = BAD_BODIES[name]
    before = history(client, chat)
    paths = ["/api/chat", f"/api/chat/{chat}/messages"]
    for path in paths[:1] if name in OF_NEW_CHATS else paths:
        response = client.post(path, content=refused.content, headers=refused.headers)
        assert response.status_code == refused.status, response.text
        error = error_of(response)
        assert error["code"] == refused.code
        assert error["details"].get("missing_fields") == refused.missing
        if refused.invalid:
            assert list(error["details"]["invalid_fields"]) == refused.invalid
    assert history(client, chat) == before
    assert client.get("/api/chat").json()["total"] == 1


def test_the_longest_message_is_taken(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(["Long."]))
    assert ask(client, model, message="ü" * 32_000)["message"] == "Long."


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=-1", "limit=x", f"limit={2**70}", "limit=",
              "offset=-1", "offset=x", f"offset={2**70}", "limit=5&offset=1.5"],
)  # fmt: skip
def test_pages(query: str, client: httpx2.Client) -> None:
    response = client.get(f"/api/chat?{query}")
    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "INVALID_REQUEST"
    assert set(error["details"]["invalid_fields"]) <= {"limit", "offset"}


def test_nul_in_a_query(client: httpx2.Client) -> None:
    response = client.get("/api/chat?search=%00")
    assert response.status_code in (200, 400)


@pytest.mark.parametrize(
    "id",
    [
        "chat_123456",
        "chat_" + "z" * 26,
        "chat_" + "0" * 25 + "ü",
        ids.encode("msg", NOBODYS),
        ids.encode("chat", NOBODYS),
        ids.encode("chat", NOBODYS).upper(),
        str(NOBODYS),
        "1",
        "%00",
        "..%2f..",
    ],
)
def test_unknown_chats(id: str, client: httpx2.Client) -> None:
    responses = [
        client.post(f"/api/chat/{id}/messages", json={"message": "Hello"}),
        client.get(f"/api/chat/{id}/history"),
    ]
    for response in responses:
        assert response.status_code == 404
        assert error_of(response)["code"] == "RESOURCE_NOT_FOUND"


def test_a_deleted_chat(client: httpx2.Client, chat: str) -> None:
    assert client.delete(f"/api/chat/{chat}").status_code == 204
    response = client.post(f"/api/chat/{chat}/messages", json={"message": "Hello"})
    assert (response.status_code, error_of(response)["code"]) == (404, "RESOURCE_NOT_FOUND")


def unusable_key(kind: str, account: LiveAccount) -> str | None:
    """An Authorization header that gets nobody in."""
    key, secret = services.create_api_key(account.user)
    if kind == "revoked":
        services.revoke_api_key(key)
    if kind == "expired":
        yesterday = timezone.now() - timedelta(days=1)
        ApiKey.objects.filter(pk=key.pk).update(expires_at=yesterday)
    if kind == "unknown":
        key.delete()
    headers = {"missing": None, "malformed": "Bearer secret", "empty": "Bearer",
               "another scheme": f"Basic {secret}"}  # fmt: skip
    return headers.get(kind, f"Bearer {secret}")


@pytest.mark.parametrize(
    "kind", ["missing", "malformed", "empty", "another scheme", "unknown", "revoked", "expired"]
)
def test_keys(kind: str, daphne: Server, live_owner: LiveAccount) -> None:
    header = unusable_key(kind, live_owner)
    response = httpx2.post(
        f"{daphne.url}/api/chat",
        json={"message": "Hello", "model": "any"},
        headers={"Authorization": header} if header else {},
    )
    assert (response.status_code, error_of(response)["code"]) == (401, "INVALID_API_KEY")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_scopes(daphne: Server, live_owner: LiveAccount, chat: str) -> None:
    _, secret = services.create_api_key(live_owner.user, scopes=["chat:read"])
    with httpx2.Client(
        base_url=daphne.url, headers={"Authorization": f"Bearer {secret}"}
    ) as reader:
        assert len(history(reader, chat)) == 2
        for response in (
            reader.post("/api/chat", json={"message": "Hello"}),
            reader.post(f"/api/chat/{chat}/messages", json={"message": "Hello"}),
            reader.delete(f"/api/chat/{chat}"),
        ):
            assert response.status_code == 403
            error = error_of(response)
            assert error["code"] == "INSUFFICIENT_PERMISSIONS"
            assert error["details"]["required_scope"] == "chat:write"
