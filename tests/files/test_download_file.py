"""A file's bytes come back as they went, whole or in part, to whoever has the key or the link."""

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import User
from files import storage
from tests.files.calling import Files, error_of

CONTENT = bytes(range(32, 127)) * 20
SIZE = len(CONTENT)


@pytest.fixture
def path(files: Files) -> str:
    return f"/{files.upload(CONTENT, 'Größe 🌊.txt')['id']}/download"


@pytest.fixture
def link(files: Files) -> str:
    """Without the host."""
    url = urlsplit(files.upload(CONTENT)["upload_url"])
    return f"{url.path}?{url.query}"


@async_to_sync
async def body_of(response: Any) -> bytes:
    return b"".join([piece async for piece in response.streaming_content])


def test_whole(files: Files, path: str) -> None:
    response = files.call("get", path)
    assert (response.status_code, body_of(response)) == (200, CONTENT)
    assert response["Content-Length"] == str(SIZE)
    assert response["Accept-Ranges"] == "bytes"


def test_nobody_shows_or_runs_it(files: Files, path: str) -> None:
    response = files.call("get", path)
    name = "Gr%C3%B6%C3%9Fe%20%F0%9F%8C%8A.txt"
    assert response["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"
    assert response["Content-Type"] == "text/plain"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "no-store"


def test_in_several_pieces(files: Files, path: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(storage.FolderStorage, "piece_size", 700)
    assert body_of(files.call("get", path)) == CONTENT
    assert body_of(files.call("get", path, Range="bytes=600-1500")) == CONTENT[600:1501]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=1800-", 1800, SIZE),
        ("bytes=-5", SIZE - 5, SIZE),
        ("bytes=-99999", 0, SIZE),
        ("bytes=1890-999999999999", 1890, SIZE),
    ],
)
def test_a_range(files: Files, path: str, asked: str, start: int, end: int) -> None:
    response = files.call("get", path, Range=asked)
    assert (response.status_code, body_of(response)) == (206, CONTENT[start:end])
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert response["Content-Length"] == str(end - start)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_that_is_not_there(files: Files, path: str, asked: str) -> None:
    response = files.call("get", path, Range=asked)
    assert (response.status_code, error_of(response)["code"]) == (416, "RANGE_NOT_SATISFIABLE")
    assert response["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=a-b", "bytes=0-1,4-5", "lines=1-2", "0-1", "bytes=²-3"]
)
def test_what_is_no_single_range_is_passed_over(files: Files, path: str, asked: str) -> None:
    response = files.call("get", path, Range=asked)
    assert (response.status_code, body_of(response)) == (200, CONTENT)


def test_if_range(files: Files, path: str) -> None:
    whole = files.call("get", path)
    for current in (whole["ETag"], whole["Last-Modified"]):
        response = files.call("get", path, Range="bytes=0-4", If_Range=current)
        assert (response.status_code, body_of(response)) == (206, CONTENT[:5])
    for old in ('"other"', f"W/{whole['ETag']}", "Mon, 06 Jan 2025 12:00:00 GMT", "nonsense"):
        assert files.call("get", path, Range="bytes=0-4", If_Range=old).status_code == 200


def test_conditions(files: Files, path: str) -> None:
    etag = files.call("get", path)["ETag"]
    for known in (etag, f"W/{etag}", "*", f'"other", {etag}'):
        response = files.call("get", path, If_None_Match=known)
        assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
    assert files.call("get", path, If_None_Match='"other"').status_code == 200
    assert files.call("get", path, If_Match='"other"').status_code == 412
    assert files.call("get", path, If_Match=etag).status_code == 200


@pytest.mark.parametrize("kept", [None, b"", CONTENT[:5]], ids=["gone", "empty", "cut"])
@pytest.mark.parametrize("asked", ["", "bytes=4-11"])
def test_bytes_that_cannot_be_read(
    files: Files, path: str, folder: Path, kept: bytes | None, asked: str
) -> None:
    [stored] = (each for each in folder.rglob("*") if each.is_file())
    stored.unlink()
    if kept is not None:
        stored.write_bytes(kept)
    response = files.call("get", path, Range=asked)
    assert (response.status_code, error_of(response)["code"]) == (503, "INTERNAL_ERROR")
    assert error_of(response)["message"] == "The file could not be read. Try again."
    assert response["Retry-After"]
    for name in ("ETag", "Content-Range", "Content-Disposition"):
        assert name not in response


@pytest.mark.parametrize(("asked", "status", "length"), [("", 200, SIZE), ("bytes=0-4", 206, 5)])
def test_head(files: Files, path: str, asked: str, status: int, length: int) -> None:
    response = files.call("head", path, Range=asked)
    assert (response.status_code, response.content) == (status, b"")
    assert response["Content-Length"] == str(length)


def test_the_link_needs_no_key(client: Client, link: str) -> None:
    response = client.get(link)
    assert (response.status_code, body_of(response)) == (200, CONTENT)
    assert client.head(link).status_code == 200
    assert client.get(link, headers={"Range": "bytes=0-4"}).status_code == 206


def test_the_link_opens_nothing_else(client: Client, files: Files, link: str) -> None:
    other = files.upload(b"other")["id"]
    assert client.get(re.sub(r"file_\w+", other, link)).status_code == 401
    assert client.get(link.replace("expires=", "expires=1")).status_code == 401
    assert client.get(link.replace("signature=", "signature=x")).status_code == 401
    assert client.get(link.partition("&")[0]).status_code == 401
    assert client.get(link.partition("?")[0]).status_code == 401
    assert client.get(link.replace("/download", "")).status_code == 401
    assert client.delete(link).status_code == 401
    for odd in ("", "x", "²", "9" * 30, "-1"):
        assert client.get(re.sub(r"expires=\d+", f"expires={odd}", link)).status_code == 401


def test_the_link_expires(client: Client, link: str, monkeypatch: Any) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 24 * 3600)
    assert client.get(link).status_code == 200
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    assert client.get(link).status_code == 401


def test_the_link_stays_the_same_for_a_while(files: Files) -> None:
    id = files.upload()["id"]
    first, second = (files.call("get", f"/{id}") for _ in range(2))
    assert first["ETag"] == second["ETag"]


def test_a_deleted_file_has_no_link(client: Client, files: Files, link: str) -> None:
    [file] = files.get()["results"]
    files.delete(file["id"])
    assert client.get(link).status_code == 404


def test_links_end_with_the_account(client: Client, owner: User, link: str) -> None:
    owner.is_active = False
    owner.save()
    assert client.get(link).status_code == 404


def test_what_a_closed_account_has_shared_stays_the_companys(
    client: Client, make_client: Any, staff: User, files: Files
) -> None:
    company = Files(make_client(staff))
    id = company.upload()["id"]
    own = company.get(f"/{id}")["upload_url"]
    company.patch(id, visibility="shared")
    staff.is_active = False
    staff.save()
    link = files.get(f"/{id}")["upload_url"]
    assert [client.get(each).status_code for each in (link, own)] == [200, 200]


def test_the_link_survives_a_new_secret_key(client: Client, link: str, settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "new" * 20
    assert client.get(link).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(link).status_code == 401


def test_strangers_with_a_key_may_use_the_link(strangers: Files, link: str) -> None:
    assert strangers.client.get(link).status_code == 200
    assert strangers.client.get(link.partition("?")[0]).status_code == 404


def test_links_end_with_the_sharing(
    client: Client, make_client: Any, staff: User, files: Files
) -> None:
    company = Files(make_client(staff))
    id = company.upload(visibility="shared")["id"]
    link = files.get(f"/{id}")["upload_url"]
    assert client.get(link).status_code == 200
    company.patch(id, visibility="private")
    assert client.get(link).status_code == 404
    own = company.get(f"/{id}")["upload_url"]
    company.patch(id, visibility="shared")
    assert [client.get(each).status_code for each in (link, own)] == [200, 200]
