"""What a file is, by its content. Its name only tells kinds of text apart."""

import mmap
import re
import zipfile
from pathlib import PurePath
from typing import BinaryIO, cast

from files.extraction.names import BY_SUFFIX
from files.extraction.signatures import PROLOGUE, SIGNATURES, SVG
from files.readers.encodings import SAMPLE, decode, is_text

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
OFFICE_FOLDERS = {"word/": DOCX, "xl/": XLSX, "ppt/": PPTX}
MIMETYPES = {"application/epub+zip", "application/vnd.oasis.opendocument.text"}
PACKED = [
    "application/pdf",
    *OFFICE_FOLDERS.values(),
    *sorted(MIMETYPES),
]  # text many times as long
MOST_AT_ONCE = 4 * 2**20  # bytes: the directory of 20,000 parts has half of that
BULKY = "It is an archive of far more parts than a document has."
PDF = re.compile(rb"(\A|[\r\n])%PDF-\d")
HTML = re.compile(rf"{PROLOGUE}<(!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE | re.DOTALL)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLD_OFFICE = {
    "EncryptedPackage": (
        "application/x-ole-storage",
        "The document is password-protected.",
    ),
    "WordDocument": ("application/msword", "It is in Word's old format: save it as .docx."),
    "Workbook": ("application/vnd.ms-excel", "It is in Excel's old format: save it as .xlsx."),
    "PowerPoint Document": (
        "application/vnd.ms-powerpoint",
        "It is in PowerPoint's old format: save it as .pptx.",
    ),
}


class UnsupportedType(Exception):
    """Nobody can read text from it. `reason` is a sentence that a person can act on."""

    def __init__(self, media_type: str, reason: str) -> None:
        super().__init__(reason)
        self.media_type = media_type
        self.reason = reason


def detect(file: BinaryIO, filename: str) -> str:
    """The media type of a file that `extract` reads. Raises UnsupportedType for any other."""
    file.seek(0)
    head = file.read(SAMPLE)
    if not head:
        raise UnsupportedType("application/x-empty", "The file is empty.")
    if PDF.search(head[:1024]):
        return "application/pdf"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return type_of_archive(file, head)
    if head.startswith(OLE):
        raise old_office(file)
    if is_text(head):  # first: a text may begin with "MZ" or "BZh"
        return type_of_text(head, filename)
    refuse_known(head)
    raise UnsupportedType(
        "application/octet-stream", "It is neither text nor a kind of document that can be read."
    )


def refuse_known(head: bytes) -> None:
    for signature, offset, media_type, what in SIGNATURES:
        if head.startswith(signature, offset):
            raise UnsupportedType(media_type, what)


class Bounded:
    """A file that nobody reads much of at once: `zipfile` reads, and takes apart, a whole directory
    before it can be asked how long that is. Raises UnsupportedType."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if size > MOST_AT_ONCE:
            raise UnsupportedType("application/zip", BULKY)
        return self.file.read(size)


def type_of_archive(file: BinaryIO, head: bytes) -> str:
    """Of a ZIP. One without an end is typed by its beginning: reading it says what is wrong."""
    try:
        with zipfile.ZipFile(cast(BinaryIO, Bounded(file))) as archive:
            names = "\n".join(archive.namelist()[:10_000])
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError):
        names = head.decode("latin-1")
    mimetype = re.match(r"mimetype([\w./+-]+?)(?=PK|$)", head[30:200].decode("latin-1"))
    if mimetype and mimetype[1] in MIMETYPES:
        return mimetype[1]
    if "META-INF/container.xml" in names:
        return "application/epub+zip"
    for folder, media_type in OFFICE_FOLDERS.items():
        if re.search(rf"(^|[^\w/]){folder}", names, re.MULTILINE):
            return media_type
    raise UnsupportedType(
        "application/zip", "It is an archive: unpack it, and upload the files that are in it."
    )


def old_office(file: BinaryIO) -> UnsupportedType:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for name, (media_type, reason) in OLD_OFFICE.items():
            if content.find(name.encode("utf-16-le")) != -1:
                return UnsupportedType(media_type, reason)
    return UnsupportedType("application/x-ole-storage", "It is in an old format of Microsoft's.")


def type_of_text(head: bytes, filename: str) -> str:
    named = BY_SUFFIX.get(PurePath(filename).suffix.lower(), "text/plain")
    text = decode(head)[:4_096].lstrip("\ufeff")
    if text.startswith("{\\rtf"):
        return "application/rtf"
    if SVG.match(text):
        raise UnsupportedType("image/svg+xml", "It is an image: there is no text to read in it.")
    if HTML.match(text) and named in ("text/plain", "text/csv", "application/json", "text/html"):
        return "text/html"
    return named
