"""What cannot be a file is refused by name, and nothing is left of it."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from chatbot_project.api.errors import InvalidRequest
from files import uploads
from files.models import Orphan, StoredFile
from tests.files.calling import Files, error_of
from tests.files.test_upload_file import post_raw

FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhello\r\n'


def field(name: str, value: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
        name.encode(),
        value,
    )


@pytest.fixture(autouse=True)
def nothing_is_left(files: Files, folder: Path) -> Any:
    yield
    assert StoredFile.objects.count() == Orphan.objects.count() == 0
    assert not [path for path in folder.rglob("*") if path.is_file()]


MALFORMED = {
    "no boundary in it": b"hello",
    "ends before the last boundary": FILE,
    "ends in the file": FILE[:-4],
    "ends in the head": b"--x\r\nContent-Disposition: form-da",
    "another boundary": FILE.replace(b"--x", b"--y") + b"--y--",
    "no disposition": b"--x\r\n\r\nhello\r\n--x--",
    "bad base64": FILE.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n*")
    + b"--x--",
    "bytes": bytes(range(256)) * 40,
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_bodies(files: Files, kind: str) -> None:
    response = post_raw(files, MALFORMED[kind])
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")
    assert error_of(response)["message"] != InvalidRequest.default_detail  # it says what is wrong


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="é"',
        f"multipart/form-data; boundary={'x' * 300}",
    ],
)
def test_bad_boundaries(files: Files, kind: str) -> None:
    response = post_raw(files, FILE + b"--x--", kind)
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")
    assert "boundary" in error_of(response)["message"]


@pytest.mark.parametrize(
    "kind",
    ["", "application/json", "application/octet-stream", "multipart/mixed; boundary=x", "Ω"],
)
def test_other_content_types(files: Files, kind: str) -> None:
    response = post_raw(files, FILE + b"--x--", kind)
    assert (response.status_code, error_of(response)["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (FILE + FILE, {"file": ["Send one file a call."]}),
        (field("file", b"hello"), {"file": ["Send it as a file, with a file name."]}),
        (FILE.replace(b"hello", b""), {"file": ["The file is empty."]}),
        (FILE + field("tags", b"[1"), {"tags": ["This is not valid JSON."]}),
        (FILE + field("tags", b"[" * 50_000), {"tags": ["This is not valid JSON."]}),
        (
            FILE + field("visibility", b"public"),
            {"visibility": ['"public" is not a valid choice.']},
        ),
        (
            FILE + field("description", b"a\0b"),
            {"description": ["Null characters are not allowed."]},
        ),
    ],
)
def test_bad_fields(files: Files, body: bytes, named: dict[str, list[str]]) -> None:
    response = post_raw(files, body + b"--x--")
    error = error_of(response)
    assert (response.status_code, error["details"]["invalid_fields"]) == (400, named)


@pytest.mark.parametrize(
    "tags",
    [b"[1]", b'["\\u0000"]', b'["\\ud800"]', b'[["a"]]', b",".join([b"%d" % n for n in range(60)])],
)
def test_bad_tags(files: Files, tags: bytes) -> None:
    response = post_raw(files, FILE + field("tags", tags) + b"--x--")
    assert response.status_code == 400
    [name] = error_of(response)["details"]["invalid_fields"]
    assert name.startswith("tags")


@pytest.mark.parametrize(
    "body",
    [
        field("tags", b"a"),
        FILE.replace(b'name="file"', b'name="f"'),
        FILE.replace(b'filename="f"', b'filename="Gr\xfc\xdfe.txt"'),
        FILE.replace(b'filename="f"', b'filename="../"'),
    ],
)
def test_no_file(files: Files, body: bytes) -> None:
    response = post_raw(files, body + b"--x--")
    assert response.status_code == 400
    assert error_of(response)["details"]["missing_fields"] == ["file"]


def full_disk(**how: Any) -> Any:
    return Path("/dev/full").open("r+b", **how)


def no_folder(**how: Any) -> Any:
    raise FileNotFoundError("No usable temporary directory found")


@pytest.mark.parametrize("temporary", [full_disk, no_folder])
@pytest.mark.parametrize("size", [5, 300_000])
def test_no_room_for_it(files: Files, monkeypatch: Any, temporary: Any, size: int) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", temporary)
    response = files.send(b"x" * size)
    error = error_of(response)
    assert (response.status_code, error["message"]) == (503, uploads.NOT_STORED)
    assert response["Retry-After"]


def test_huge_fields(files: Files) -> None:
    response = post_raw(files, FILE + field("description", b"x" * 3_000) + b"--x--")
    assert "description" in error_of(response)["details"]["invalid_fields"]
    response = post_raw(files, FILE + field("other", b"x" * 10_100_000) + b"--x--")
    assert (response.status_code, error_of(response)["code"]) == (413, "PAYLOAD_TOO_LARGE")
    response = post_raw(files, FILE + field("n", b"x") * 1_100 + b"--x--")
    assert (response.status_code, error_of(response)["code"]) == (400, "INVALID_REQUEST")


def test_a_type_nobody_reads(files: Files) -> None:
    response = files.send(b"\x7fELF" + bytes(200), "notes.txt")
    assert (response.status_code, error_of(response)["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert error_of(response)["message"] == "It is a program: there is no text to read in it."


def test_a_field_that_is_a_body_of_its_own(files: Files) -> None:
    response = post_raw(files, FILE + field("description", b"x" * 10_000_000) + b"--x--")
    assert (response.status_code, error_of(response)["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert error_of(response)["details"]["limit_bytes"] == 10_000_000


def test_too_many_fields(files: Files) -> None:
    response = post_raw(files, FILE + field("f", b"") * 1_100 + b"--x--")
    assert (response.status_code, error_of(response)["message"]) == (
        400,
        "The body has too many parts.",
    )
