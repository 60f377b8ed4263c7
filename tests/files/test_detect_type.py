"""A file is what it holds, whatever its name says."""

import struct
from pathlib import Path

import pytest

from files.extraction import UnsupportedType, detect
from tests.files.test_extract_office import zipped
from tests.files.test_extract_pdf import pdf

OFFICE = "application/vnd.openxmlformats-officedocument."
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def detected(folder: Path, content: bytes, name: str) -> str:
    path = folder / "upload"
    path.write_bytes(content)
    with path.open("rb") as file:
        return detect(file, name)


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("lie.txt", pdf(("Text",)), "application/pdf"),
        ("lie.pdf", b"just text", "text/plain"),
        ("lie.docx", b"<!DOCTYPE html><html>", "text/html"),
        ("lie.png", zipped({"word/document.xml": "<w/>"}), f"{OFFICE}wordprocessingml.document"),
        ("no-name", zipped({"xl/workbook.xml": "<w/>"}), f"{OFFICE}spreadsheetml.sheet"),
        (
            "cut.pptx",
            zipped({"ppt/presentation.xml": "<w/>"})[:60],
            f"{OFFICE}presentationml.presentation",
        ),
        ("a.md", b"# Head", "text/markdown"),
        ("a.txt", b"<!---->" * 500 + b"x", "text/plain"),  # at once, whatever the count
        ("a.txt", b"<!-- a -->\n<!-- b --> <html>", "text/html"),
        ("A.CSV", b"a,b", "text/csv"),
        ("a.py", b"MZ = 1", "text/x-python"),
        ("a.json", b"{}", "application/json"),
        ("a.ipynb", b"{}", "application/x-ipynb+json"),
        ("a.doc", b"{\\rtf1 Text}", "application/rtf"),
        ("a.md", "Текст".encode("utf-16"), "text/markdown"),
        ("%PDF-1.4", b"the text %PDF-1.4 is in it", "text/plain"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",
)
def test_types(tmp_path: Path, name: str, content: bytes, media_type: str) -> None:
    assert detected(tmp_path, content, name) == media_type


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        (b"", "application/x-empty", "The file is empty."),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png", "image"),
        (b"<svg xmlns='x'></svg>", "image/svg+xml", "image"),
        (b"<?xml version='1.0'?><!-- a --> <!--b--><svg >", "image/svg+xml", "image"),
        (b"\x7fELF\2\1\1\0", "application/x-executable", "program"),
        (b"MZ\x90\0\3\0", "application/vnd.microsoft.portable-executable", "program"),
        (b"ID3\4\0\0\0", "audio/mpeg", "sound"),
        (b"\0\0\0\x18ftypmp42\0", "video/mp4", "video"),
        (zipped({"a.txt": "text"}), "application/zip", "unpack it"),
        (b"\x1f\x8b\x08\0", "application/gzip", "unpack it"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "application/x-ole-storage", "password"),
        (OLE + "WordDocument".encode("utf-16-le"), "application/msword", "save it as .docx"),
        (bytes(range(1, 200)), "application/octet-stream", "neither text nor"),
    ],
)
def test_what_nobody_reads(tmp_path: Path, content: bytes, media_type: str, reason: str) -> None:
    with pytest.raises(UnsupportedType, match=reason) as refused:
        detected(tmp_path, content, "a.txt")
    assert refused.value.media_type == media_type


def test_a_directory_is_not_read_whatever_its_length(tmp_path: Path) -> None:
    record = struct.Struct("<4s6H3I5H2I")
    entry = record.pack(b"PK\1\2", 20, 20, *[0] * 4, 0, 0, 0, 65, 0, 0, 0, 0, 0, 0)
    directory = b"".join(entry + b"word/%060d" % number for number in range(40_000))
    first = b"PK\3\4" + bytes(26)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 40_000, 40_000, len(directory), len(first), 0)
    with pytest.raises(UnsupportedType, match="far more parts"):
        detected(tmp_path, first + directory + end, "a.docx")
