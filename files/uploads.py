"""Multipart bodies: one file, spooled to disk and hashed on its way, and the fields beside it."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from chatbot_project.api import bodies
from chatbot_project.api.errors import (
    InvalidRequest,
    PayloadTooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from files.extraction import UnsupportedType, detect
from files.serializers import UploadSerializer

FILE = "file"  # the name of the part
NOT_STORED = "The file could not be stored. Try again."
BAD_BOUNDARY = "The Content-Type names no boundary that the body's parts could be told apart by."
BAD_PART = "A part of the body has a head that is too long, or base64 that cannot be decoded."
LONGEST_TAIL = 512  # bytes, in which the body's last boundary must be


@dataclass(slots=True)
class Upload:
    """A file as it has arrived, on this machine's disk."""

    filename: str
    content: IO[bytes]
    size: int
    sha256: str
    media_type: str = ""
    fields: dict[str, Any] = field(default_factory=dict)  # as UploadSerializer makes them

    def fingerprint(self) -> bytes:
        """32 bytes, the same for the same file and fields, whatever their boundary and order."""
        said = json.dumps([self.filename, self.sha256, self.fields], sort_keys=True)
        return hashlib.sha256(said.encode()).digest()


class Spool(FileUploadHandler):
    """Writes the file to disk. Others than `file` are passed over, as unknown fields are."""

    chunk_size = 262_144

    def __init__(self, content: IO[bytes], most: int) -> None:
        super().__init__()
        self.content, self.most = content, most
        self.sha256 = hashlib.sha256()
        self.size = 0
        self.names: list[str] = []

    def new_file(self, field_name: str, file_name: str, *rest: Any, **named: Any) -> None:
        if field_name != FILE:
            raise SkipFile
        if self.names:
            raise refusal("Send one file a call.")
        self.names.append(UploadedFile(name=file_name).name or "")  # within 255 characters

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.size += len(raw_data)
        if self.size > self.most:
            raise PayloadTooLarge(
                f"A file may have {self.most} bytes in your tier.", limit_bytes=self.most
            )
        self.sha256.update(raw_data)
        try:
            while raw_data:
                raw_data = raw_data[self.content.write(raw_data) :]
        except OSError as error:  # the disk is full
            raise Unavailable(NOT_STORED) from error

    def file_complete(self, file_size: int) -> None:
        """Nothing for `request.FILES`: it is all here."""


class Tail:
    """A stream that keeps the end of what has been read."""

    def __init__(self, stream: IO[bytes] | HttpRequest) -> None:
        self.stream = stream
        self.end = b""

    def read(self, size: int) -> bytes:
        read: bytes = self.stream.read(size)
        self.end = (self.end + read[-LONGEST_TAIL:])[-LONGEST_TAIL:]
        return read


@contextmanager
def received(request: HttpRequest, most: int) -> Iterator[Upload]:
    """The request's file, gone at the end of the block; `most` is how many bytes it may have.

    Raises InvalidRequest, PayloadTooLarge, UnsupportedMediaType, Unavailable.
    """
    with spooling() as content:
        yield parse(request, content, most)


def spooling() -> IO[bytes]:
    """A file without a name: whoever is killed leaves nothing. And without a buffer: what the disk
    has no room for is known when it is written. Raises Unavailable."""
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:  # there is no folder that anything can be written to
        raise Unavailable(NOT_STORED) from error


def parse(request: HttpRequest, content: Any, most: int) -> Upload:
    spool = Spool(content, most)
    fields = checked(read_parts(request, spool))
    if not spool.names:
        raise InvalidRequest(
            "The request has no part `file` with a file name in UTF-8.", missing_fields=[FILE]
        )
    if not spool.size:
        raise refusal("The file is empty.")
    [name] = spool.names
    upload = Upload(name, content, spool.size, spool.sha256.hexdigest(), fields=fields)
    try:
        upload.media_type = detect(content, name)
    except UnsupportedType as found:
        raise UnsupportedMediaType(found.reason) from None
    return upload


def read_parts(request: HttpRequest, spool: Spool) -> QueryDict:
    """The fields; the file goes to `spool`. Raises InvalidRequest, RequestDataTooBig."""
    if request.content_type != "multipart/form-data":
        raise UnsupportedMediaType("Send a file, with Content-Type: multipart/form-data.")
    body = Tail(request)
    try:
        # Fields are UTF-8 whatever the request says: a charset could name any codec of Python's.
        parser = MultiPartParser(request.META, body, [spool], "utf-8")  # type: ignore[arg-type]
    except MultiPartParserError:
        raise InvalidRequest(BAD_BOUNDARY) from None
    try:
        fields, _ = parser.parse()
    except MultiPartParserError:
        raise InvalidRequest(BAD_PART) from None
    except (TooManyFieldsSent, TooManyFilesSent):
        raise InvalidRequest("The body has too many parts.") from None
    boundary = (request.content_params or {}).get("boundary", "")
    if f"--{boundary}--".encode() not in body.end:
        raise InvalidRequest(f"The body does not end with its last boundary: --{boundary}--")
    return fields


def checked(fields: QueryDict) -> dict[str, Any]:
    """Raises InvalidRequest with the fields that are wrong."""
    if FILE in fields:
        raise refusal("Send it as a file, with a file name.")
    given: dict[str, Any] = {
        name: fields[name] for name in ("description", "visibility") if name in fields
    }
    if tags := [*fields.getlist("tags"), *fields.getlist("tags[]")]:
        given["tags"] = tags_of(tags)
    return bodies.validate(UploadSerializer, given)


def tags_of(values: list[str]) -> Any:
    """Of a field that is repeated, a JSON list, or a list with commas."""
    if len(values) > 1:
        return [value for value in values if value.strip()]
    [text] = values
    if not text.lstrip().startswith("["):
        return [tag for tag in text.split(",") if tag.strip()]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest(invalid_fields={"tags": ["This is not valid JSON."]}) from None


def refusal(reason: str) -> InvalidRequest:
    return InvalidRequest(invalid_fields={FILE: [reason]})
