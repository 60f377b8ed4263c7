"""A file's bytes as HTTP: whole, a range of them, or none that the client has not got already.

They are read piece by piece, each when the client has taken the one before: a reader that stalls
holds one piece, and nothing open.
"""

import re
from collections.abc import AsyncIterator

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, http_date, parse_etags

from chatbot_project.api.errors import ApiError, Unavailable
from chatbot_project.api.etags import opaque, require_match
from files import storage
from files.models import StoredFile
from files.threads import with_files

log = structlog.get_logger("files")

NOT_READ = "The file could not be read. Try again."
RANGE = re.compile(r"bytes=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*")


class RangeNotSatisfiable(ApiError):
    status_code = 416
    default_code = "RANGE_NOT_SATISFIABLE"
    default_detail = "The file has no such range."


async def download(request: HttpRequest, file: StoredFile) -> HttpResponseBase:
    """Raises PreconditionFailed, RangeNotSatisfiable, Unavailable."""
    etag = etag_of(file)
    require_match(request, etag)
    headers = headers_of(file, etag)
    wanted = [opaque(item) for item in parse_etags(request.headers.get("If-None-Match", ""))]
    if etag in wanted or "*" in wanted:
        return HttpResponse(status=304, headers={"ETag": etag})
    span = range_of(request, file)
    status, start, end = (200, 0, file.size) if span is None else (206, *span)
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    first = await first_piece(request, file.key, start, end)
    pieces = read(request, file.key, start, end, first)
    return StreamingHttpResponse(pieces, status=status, headers=headers)


def etag_of(file: StoredFile) -> str:
    return f'"{file.sha256[:32]}"'


def headers_of(file: StoredFile, etag: str) -> dict[str, str]:
    """No browser shows it, runs it, or guesses what it is."""
    return {
        "Content-Type": file.media_type,
        "Content-Disposition": content_disposition_header(True, file.filename) or "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": http_date(file.created_at.timestamp()),
    }


def range_of(request: HttpRequest, file: StoredFile) -> tuple[int, int] | None:
    """The first byte and the one after the last. None: all of them (RFC 9110, section 14.2: what is
    no single range of bytes is passed over, and what is older than If-Range says).

    Raises RangeNotSatisfiable.
    """
    match = RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or not any(match.groups()) or not is_still_the_same(request, file):
        return None
    first, last = match.groups()
    if first and last and int(first) > int(last):
        return None
    start = int(first) if first else max(file.size - int(last), 0)
    end = min(int(last) + 1, file.size) if first and last else file.size
    if start >= end:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{file.size}"})
    return start, end


def is_still_the_same(request: HttpRequest, file: StoredFile) -> bool:
    """If-Range (RFC 9110, section 13.1.5), by ETag or by date."""
    condition = request.headers.get("If-Range")
    return condition in (None, etag_of(file), http_date(file.created_at.timestamp()))


async def first_piece(request: HttpRequest, key: str, start: int, end: int) -> bytes:
    """Read before the answer begins, while it can still be an error. Raises Unavailable."""
    try:
        return await next_piece(request, key, start, end)
    except (OSError, EOFError) as error:
        log.error("a file could not be read", key=key, exc_info=error)
        raise Unavailable(NOT_READ) from error


async def read(
    request: HttpRequest, key: str, start: int, end: int, piece: bytes
) -> AsyncIterator[bytes]:
    """From `start` on, where `piece` is."""
    yield piece
    while (start := start + len(piece)) < end:
        piece = await next_piece(request, key, start, end)
        yield piece


async def next_piece(request: HttpRequest, key: str, start: int, end: int) -> bytes:
    """Raises OSError, EOFError."""
    length = min(storage.storage().piece_size, end - start)
    return await with_files(request, storage.read, key, start, length)
