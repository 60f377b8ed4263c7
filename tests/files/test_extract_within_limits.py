"""A file, however hostile, costs bounded time and memory, and ends in a sentence."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import psutil
import pytest
from django.conf import LazySettings
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject

from files.extraction import ExtractionFailed, UnsupportedType, detect, extract
from files.readers.registry import READERS
from tests.files.conftest import Read
from tests.files.test_extract_office import saved, zipped
from tests.files.test_extract_pdf import pdf
from tests.servers import PROJECT
from tests.waiting import wait_until

BOMB = "zip bomb"
DOCUMENT = (
    "<w:document xmlns:w='w'><w:body><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:body></w:document>"
)


def packed(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_bomb(read: Read) -> None:
    with pytest.raises(ExtractionFailed, match=BOMB):
        read("a.docx", packed("word/document.xml", bytes(150_000_000)))


def test_a_zip_bomb_that_lies_about_its_size(read: Read) -> None:
    bomb = bytearray(packed("word/document.xml", b"<a>" + b" " * 5_000_000))
    size = (5_000_003).to_bytes(4, "little")
    bomb = bytearray(bytes(bomb).replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(ExtractionFailed):
        read("a.docx", bytes(bomb))


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">{}]>'


@pytest.mark.parametrize("more", ["", '<!ENTITY c SYSTEM "file:///etc/passwd">'])
def test_xml_entities(read: Read, more: str) -> None:
    document = ENTITIES.format(more) + DOCUMENT.format("&b;")
    with pytest.raises(ExtractionFailed, match="entities"):
        read("a.docx", zipped({"word/document.xml": document}))


def test_endless_nesting(read: Read) -> None:
    assert read("a.html", "<html>" + "<div>" * 30_000 + "deep")[0].text == "deep"


def writer_of(*pages: str) -> PdfWriter:
    return PdfWriter(clone_from=io.BytesIO(pdf(*((page,) for page in pages))))


def test_a_page_tree_without_end(read: Read) -> None:
    writer = writer_of("Text")
    tree: Any = writer.root_object["/Pages"].get_object()
    child = DictionaryObject({NameObject("/Type"): NameObject("/Pages")})
    reference = writer._add_object(child)
    child[NameObject("/Kids")] = ArrayObject([tree.indirect_reference, reference])
    tree[NameObject("/Kids")] = ArrayObject([reference])
    with pytest.raises(ExtractionFailed, match="damaged"):
        read("a.pdf", saved_pdf(writer))


def test_a_page_that_unpacks_to_far_too_much(read: Read) -> None:
    writer = writer_of("Text")
    stream = DecodedStreamObject()
    stream.set_data(b" " * 80_000_000)
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream.flate_encode())
    with pytest.raises(ExtractionFailed, match=r"damaged|memory"):
        read("a.pdf", saved_pdf(writer))


def saved_pdf(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_too_many_pages(read: Read, settings: LazySettings) -> None:
    settings.EXTRACTION_MAX_PAGES = 1_000
    writer = PdfWriter()
    for _ in range(1_001):
        writer.add_blank_page(100, 100)
    with pytest.raises(ExtractionFailed, match=r"^It has more than 1,000 pages\.$"):
        read("a.pdf", saved_pdf(writer))


def test_too_much_text(read: Read, settings: LazySettings) -> None:
    settings.EXTRACTION_MAX_CHARACTERS = 1_000_000
    with pytest.raises(ExtractionFailed, match=r"more than 1,000,000 characters"):
        read("a.txt", b"a" * 50_000_000)


def test_too_much_memory(read: Read, settings: LazySettings) -> None:
    settings.EXTRACTION_MEMORY_MB = 128
    with pytest.raises(ExtractionFailed, match=r"^It takes more than 128 MB of memory to read\.$"):
        read("a.txt", "é" * 40_000_000)


SLOW = b"<html>" + b"<td>a" * 5_000_000  # seconds of work


def test_too_long(read: Read, settings: LazySettings) -> None:
    settings.EXTRACTION_SECONDS = 1
    with pytest.raises(ExtractionFailed, match=r"^It takes more than 1 seconds to read\.$"):
        read("a.html", SLOW)


class Cancelled(Exception):
    pass


def test_progress_is_called_and_may_end_it(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(SLOW)
    calls = []

    def progress() -> None:
        calls.append(time.monotonic())
        raise Cancelled

    with path.open("rb") as file, pytest.raises(Cancelled):
        extract(file, media_type="text/html", filename="a.html", progress=progress)
    assert len(calls) == 1
    assert readers_below(psutil.Process()) == []


def readers_below(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if "files.readers.child" in child.cmdline()]


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(SLOW)
    parent = os.fork()
    if parent == 0:
        try:
            with path.open("rb") as file:
                extract(file, media_type="text/html", filename="a.html")
        finally:
            os._exit(1)
    watched = psutil.Process(parent)
    try:
        wait_until(lambda: readers_below(watched))
        (child,) = readers_below(watched)
        assert set(child.environ()) <= {"LANG", "LC_CTYPE"}  # no keys, no passwords
    finally:
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


ESCAPES = """
import ctypes, fcntl, json, os, resource, shutil, signal, socket, sqlite3, subprocess, sys
from files.readers.child import confine
path = sys.argv[1]
confine({"seconds": 10, "memory_mb": 1024})
os.listdir(path), open(path + "/file").read()
done = []
for escape in json.loads(sys.argv[2]):
    try:
        eval(escape)
    except PermissionError as error:
        if "Reading a file needs no" in str(error):
            continue
    except Exception:
        pass
    done.append(escape)
print(json.dumps(done))
"""


def test_it_does_nothing_but_read(tmp_path: Path) -> None:
    """Whatever a file makes of a library, it changes no file, reaches nobody and starts nothing."""
    kept = tmp_path / "file"
    kept.write_text("kept")
    name = repr(str(kept))
    escapes = [
        *(f"open({name}, {mode!r})" for mode in ("w", "a", "r+", "x")),
        *(f"os.open({name}, {flag})" for flag in ("os.O_RDWR", "os.O_TRUNC", "os.O_CREAT")),
        *(f"os.{verb}({name})" for verb in ("remove", "unlink", "rmdir", "mkdir", "utime")),
        *(f"os.{verb}({name}, {name} + '2')" for verb in ("rename", "replace", "link", "symlink")),
        *(f"os.truncate({name}, 0)", "os.ftruncate(0, 0)", f"os.chmod({name}, 0)"),
        *(f"os.chown({name}, 0, 0)", f"os.setxattr({name}, 'user.a', b'')"),
        *(f"shutil.copyfile({name}, {name} + '2')", f"shutil.rmtree({str(tmp_path)!r})"),
        *("os.kill(os.getppid(), 0)", "os.killpg(os.getpid(), 0)", "os.fork()"),
        *("os.system('true')", "subprocess.run(['true'])", "os.execv('/bin/true', ['true'])"),
        *("os.posix_spawn('/bin/true', ['true'], {})", "os.putenv('A', 'b')", "os.chdir('/')"),
        *("socket.socket()", "socket.getaddrinfo('localhost', 80)", "ctypes.CDLL(None)"),
        *(f"sqlite3.connect({name} + '2')", "fcntl.flock(0, fcntl.LOCK_SH)"),
        *("resource.setrlimit(resource.RLIMIT_AS, (-1, -1))", "signal.pthread_kill(1, 0)"),
    ]
    command = [sys.executable, "-c", ESCAPES, str(tmp_path), json.dumps(escapes)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert json.loads(ended.stdout or "null") == [], ended.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["kept"]


def whole_files() -> dict[str, bytes]:
    document = docx.Document()
    document.add_heading("Valves")
    workbook = openpyxl.Workbook()
    workbook.active["A1"] = "Valves"
    presentation = pptx.Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[0]).shapes.title.text = "Valves"
    return {
        "a.pdf": pdf(("Valves",)),
        "a.docx": saved(document),
        "a.xlsx": saved(workbook),
        "a.pptx": saved(presentation),
    }


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.pptx"])
def test_a_file_cut_short(read: Read, name: str) -> None:
    content = whole_files()[name]
    assert read(name, content)
    for length in (len(content) // 2, len(content) - 30):
        try:
            read(name, content[:length])
        except (ExtractionFailed, UnsupportedType) as failed:
            assert failed.reason.endswith(".")


@pytest.mark.parametrize("media_type", sorted({*READERS, "text/plain", "text/markdown"}))
def test_bytes_at_random(tmp_path: Path, media_type: str) -> None:
    """Every reader, whatever it is given, gives text or a reason."""
    path = tmp_path / "a"
    path.write_bytes(random.Random(media_type).randbytes(5_000))
    with path.open("rb") as file, pytest.raises(ExtractionFailed) as failed:
        extract(file, media_type=media_type, filename="a")
    assert failed.value.reason.endswith(".")


def test_bytes_changed_at_random(read: Read) -> None:
    chance = random.Random(4)
    for name, content in whole_files().items():
        broken = bytearray(content)
        for _ in range(30):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            for block in read(name, bytes(broken)):
                block.text.encode()
        except (ExtractionFailed, UnsupportedType) as failed:
            assert failed.reason.endswith(".")


def test_an_empty_file() -> None:
    with tempfile.TemporaryFile() as file:
        with pytest.raises(ExtractionFailed, match=r"^The file is empty\.$"):
            extract(file, media_type="application/pdf", filename="a.pdf")
        with pytest.raises(UnsupportedType, match="empty"):
            detect(file, "a.pdf")
