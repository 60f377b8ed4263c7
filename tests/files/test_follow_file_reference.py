"""The file examples of the API reference, as printed there."""

import re

import httpx2
import pytest

from tests.live import LiveAccount
from tests.servers import Server

BOUNDARY = "----boundary"
TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
CONTENT = b"To integrate with Microsoft Teams, open its settings."
PARTS = [
    ('name="file"; filename="document.txt"', CONTENT),
    ('name="description"', b"Optional file description"),
    ('name="tags"', b'["tag1", "tag2"]'),
]


def body() -> bytes:
    """The printed fields, as a form."""
    parts = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
        for head, value in PARTS
    ]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


@pytest.fixture
def client(server: Server, live_owner: LiveAccount) -> httpx2.Client:
    return live_owner.client(server)


def test_the_file_api_as_printed(client: httpx2.Client, server: Server) -> None:
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    response = client.post("/api/files/upload", content=body(), headers=kind)
    assert response.status_code == 201, response.text
    uploaded = response.json()
    assert re.fullmatch(r"file_[0-9a-z]{26}", uploaded["id"])
    assert re.fullmatch(TIMESTAMP, uploaded["created_at"])
    printed = {name: uploaded[name] for name in ("filename", "size", "type", "status")}
    assert printed == {
        "filename": "document.txt",
        "size": len(CONTENT),
        "type": "text/plain",
        "status": "processing",
    }
    assert (uploaded["tags"], uploaded["description"]) == (
        ["tag1", "tag2"],
        "Optional file description",
    )

    path = httpx2.URL(uploaded["upload_url"]).raw_path.decode()
    downloaded = httpx2.get(f"{server.url}{path}")
    assert (downloaded.status_code, downloaded.content) == (200, CONTENT)
    head = httpx2.head(f"{server.url}{path}")
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(CONTENT)))
    part = httpx2.get(f"{server.url}{path}", headers={"Range": "bytes=3-11"})
    assert (part.status_code, part.content) == (206, CONTENT[3:12])

    status = client.get(f"/api/files/{uploaded['id']}/status").json()
    printed = {name: status[name] for name in ("id", "status", "processed_at", "error")}
    assert printed == {
        "id": uploaded["id"],
        "status": "processing",
        "processed_at": None,
        "error": None,
    }
    assert isinstance(status["chunks_created"], int)
