"""An upload is typed by its content, kept under the name it was sent with, and shown at once."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.files.calling import TIDES, Files


def test_it_is_shown_as_it_came(files: Files) -> None:
    shown = files.upload(description="On tides", tags=["sea", "moon"])
    assert (shown["filename"], shown["size"], shown["type"]) == (
        "tides.txt",
        len(TIDES),
        "text/plain",
    )
    assert (shown["description"], shown["tags"], shown["visibility"]) == (
        "On tides",
        ["sea", "moon"],
        "private",
    )
    assert shown["sha256"] == hashlib.sha256(TIDES).hexdigest()
    assert (shown["duplicate_of"], shown["error"], shown["processed_at"]) == (None, None, None)
    assert files.get(f"/{shown['id']}") == shown


def test_the_disk_has_it_before_it_is_shown(files: Files, folder: Path, monkeypatch: Any) -> None:
    """A power cut leaves no file whose bytes are lost."""
    written: list[tuple[int, int]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        found = os.fstat(descriptor)
        written.append((found.st_ino, found.st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    files.upload()
    [stored] = [path for path in folder.rglob("*") if path.is_file()]
    assert written[0] == (stored.stat().st_ino, len(TIDES))
    assert [inode for inode, _ in written[1:]] == [
        stored.parent.stat().st_ino,
        folder.stat().st_ino,
    ]


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        (["a", "b"], ["a", "b"]),
        ('["a", "b, c"]', ["a", "b, c"]),
        ("a, b,", ["a", "b"]),
        (["a, b", "c"], ["a, b", "c"]),
        (["a", "a", ""], ["a"]),
        ("[]", []),
        ("", []),
    ],
)
def test_tags_in_every_form(files: Files, given: Any, tags: list[str]) -> None:
    assert files.upload(tags=given)["tags"] == tags


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\notes.txt", "notes.txt"),
        ("no\0tes\r\n.txt", "notes.txt"),
        ("🌊 Gezeiten – überall.txt", "🌊 Gezeiten – überall.txt"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt"),
        ('a"b;c.txt', 'a"b;c.txt'),
        ("no extension", "no extension"),
    ],
)
def test_names_are_kept_as_names(files: Files, name: str, kept: str) -> None:
    assert raw_upload(files, f'filename="{quoted(name)}"'.encode()) == kept


def test_a_name_in_the_form_of_rfc_5987(files: Files) -> None:
    assert raw_upload(files, b"filename*=UTF-8''%F0%9F%8C%8A%2e%2e%2ftides.txt") == "tides.txt"


def raw_upload(files: Files, name: bytes) -> str:
    """The name that a file gets whose part says this of it."""
    part = b'--x\r\nContent-Disposition: form-data; name="file"; ' + name
    body = part + b"\r\n\r\n" + TIDES + b"\r\n--x--\r\n"
    response = post_raw(files, body)
    assert response.status_code == 201, response.content
    shown: str = response.json()["filename"]
    return shown


def quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\r\n", "")


def post_raw(files: Files, body: bytes, kind: str = "multipart/form-data; boundary=x") -> Any:
    return files.client.generic("POST", "/api/files/upload", body, kind)


def test_fields_as_clients_of_every_kind_send_them(files: Files) -> None:
    parts = [("tags[]", "a"), ("tags[]", "b"), ("unknown", "x"), ("description", "é")]
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name.encode(), value.encode())
        for name, value in parts
    )
    body += b'--x\r\nContent-Disposition: form-data; name="other"; filename="o"\r\n\r\nnot it\r\n'
    body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nit\r\n--x--'
    shown = post_raw(files, body).json()
    assert (shown["tags"], shown["description"], shown["size"]) == (["a", "b"], "é", 2)


def test_a_file_in_base64(files: Files) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--x--"
    )
    assert post_raw(files, body).json()["sha256"] == hashlib.sha256(b"hello").hexdigest()


def test_a_name_says_nothing_of_the_content(files: Files) -> None:
    assert files.upload(b"just text", "picture.png")["type"].startswith("text/")
    assert files.upload(b"# Text", "notes.md")["type"] == "text/markdown"


def test_json_is_what_is_shown(files: Files) -> None:
    assert json.loads(files.send().content) == files.get()["results"][0]
