"""The document examples of the API reference, as printed there."""

import re
from typing import Any

import httpx2
import pytest

from tests.live import LiveAccount
from tests.servers import Server

NEW = r"""{
  "title": "My Document",
  "content": "# Document Title\n\nThis is the document content.",
  "type": "markdown"
}"""
CHANGE = r"""{
  "content": "# Updated Document Title\n\nThis is the updated content.",
  "title": "Updated Document"
}"""
CREATED = {
    "title": "My Document",
    "content": "# Document Title\n\nThis is the document content.",
    "type": "markdown",
    "version": 1,
}
UPDATED = {
    "title": "Updated Document",
    "content": "# Updated Document Title\n\nThis is the updated content.",
    "type": "markdown",
    "version": 2,
}
TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def client(server: Server, live_owner: LiveAccount) -> httpx2.Client:
    client = live_owner.client(server)
    client.headers["Content-Type"] = "application/json"
    return client


def printed(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of the example that are the same each time. The others are looked at here."""
    assert re.fullmatch(r"doc_[0-9a-z]{26}", document["id"])
    assert re.fullmatch(TIMESTAMP, document["created_at"])
    assert re.fullmatch(TIMESTAMP, document["updated_at"])
    return {name: document[name] for name in ("title", "content", "type", "version")}


def test_the_document_api_as_printed(client: httpx2.Client) -> None:
    created = client.post("/api/documents", content=NEW)
    assert created.status_code == 201
    assert printed(created.json()) == CREATED
    path = f"/api/documents/{created.json()['id']}"
    updated = client.put(path, content=CHANGE)
    assert updated.status_code == 200
    assert printed(updated.json()) == UPDATED
    assert client.get(path).json() == updated.json()
    listed = client.get("/api/documents?type=markdown&limit=10&offset=0").json()
    assert listed == {"results": [updated.json()], "total": 1, "limit": 10, "offset": 0}
