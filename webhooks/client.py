"""Posting over HTTP/1.1 to whoever an account names: bounded in time and size, bound to an address.

A client of our own, because the usual ones look names up themselves, read answers to their end, and
cost several times as much. It connects to the addresses that were checked, and to nothing else:
it follows no redirect and knows no proxy.
"""

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from webhooks.targets import Target, resolve

LONGEST_HEAD = 32_768  # bytes
LONGEST_ANSWER = 16_384  # bytes that are read and kept
CONNECT_SECONDS = 5.0  # for each address of a name
# Shorter than servers keep a connection open: else we would write to one that is just closing.
KEEP_SECONDS = 2.0
BODILESS = (204, 304)


class BadAnswer(Exception):
    """What came back is not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes  # at most LONGEST_ANSWER


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    free_since: float = 0.0

    def is_fresh(self) -> bool:
        return (
            time.monotonic() - self.free_since < KEEP_SECONDS
            and not self.reader.at_eof()
            and not self.writer.is_closing()
        )


@cache
def _tls() -> ssl.SSLContext:
    """Loading the authorities takes 20 ms: once a process."""
    return ssl.create_default_context()


class Client:
    """Keeps connections open for a moment, for the next post to the same target."""

    def __init__(self) -> None:
        self._free: dict[tuple[bool, str, int, bool], list[_Connection]] = defaultdict(list)

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises NotPublic, BadAnswer, ssl.SSLError, OSError, EOFError, UnicodeError.

        Sets no limit of time: that is the caller's. Cancelled, it closes its connection.
        """
        connection = self._take(target) or await _connect(target)
        try:
            connection.writer.write(_request(target, headers, body))
            answer, reusable = await _read(connection.reader)
        except BaseException:
            connection.writer.transport.abort()
            raise
        if reusable:
            self._give_back(target, connection)
        else:
            connection.writer.transport.abort()
        return answer

    def _take(self, target: Target) -> _Connection | None:
        kept = self._free[_key(target)]
        while kept:
            connection = kept.pop()
            if connection.is_fresh():
                return connection
            connection.writer.transport.abort()
        return None

    def _give_back(self, target: Target, connection: _Connection) -> None:
        connection.free_since = time.monotonic()
        self._free[_key(target)].append(connection)

    def close(self) -> None:
        for kept in self._free.values():
            for connection in kept:
                connection.writer.transport.abort()
        self._free.clear()


def _key(target: Target) -> tuple[bool, str, int, bool]:
    return target.tls, target.host, target.port, target.allowed


async def _connect(target: Target) -> _Connection:
    """To the first of the target's addresses that takes us."""
    failure: OSError = OSError("The name has no address.")
    for address in await resolve(target):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(
                    address,
                    target.port,
                    limit=LONGEST_HEAD,
                    ssl=_tls() if target.tls else None,
                    server_hostname=target.host.rstrip(".") if target.tls else None,
                )
        except ssl.SSLError:
            raise
        except OSError as error:  # TimeoutError is one
            failure = error
        else:
            return _Connection(reader, writer)
    raise failure


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {target.path} HTTP/1.1", f"Host: {target.host_header}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


async def _read(reader: asyncio.StreamReader) -> tuple[Answer, bool]:
    """The answer, and whether the connection can serve another request."""
    status, headers, persistent = await _read_head(reader)
    while 100 <= status < 200 and status != 101:  # interim answers
        status, headers, persistent = await _read_head(reader)
    body, complete = await _read_body(reader, status, headers)
    reusable = complete and persistent and headers.get("connection", "").lower() != "close"
    return Answer(status, headers, body), reusable


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bool]:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise BadAnswer from None
    first, *lines = head[:-4].split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdecimal() or len(rest[:3]) < 3:
        raise BadAnswer
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return int(rest[:3]), headers, version == "HTTP/1.1"


async def _read_body(
    reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]
) -> tuple[bytes, bool]:
    """The body's first LONGEST_ANSWER bytes, and whether that was all of it."""
    if status in BODILESS or status == 101:
        return b"", status != 101
    if "transfer-encoding" in headers:
        return await _read_chunks(reader)
    if "content-length" not in headers:
        return await _read_some(reader, LONGEST_ANSWER), False
    length = _number(headers["content-length"], 10)
    body = await _read_some(reader, min(length, LONGEST_ANSWER))
    if len(body) < min(length, LONGEST_ANSWER):
        raise asyncio.IncompleteReadError(body, length)
    return body, length <= LONGEST_ANSWER


async def _read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    body = b""
    while size := _number((await _read_line(reader)).partition(b";")[0].decode("latin-1"), 16):
        room = LONGEST_ANSWER - len(body)
        body += await reader.readexactly(min(size, room))
        if size >= room:
            return body, False
        await _read_line(reader)
    while await _read_line(reader):  # trailers
        pass
    return body, True


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n"))[:-2]
    except asyncio.LimitOverrunError:
        raise BadAnswer from None


async def _read_some(reader: asyncio.StreamReader, size: int) -> bytes:
    """`size` bytes, or what there is before the end."""
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        return error.partial


def _number(text: str, base: int) -> int:
    if not text.strip().isalnum():
        raise BadAnswer
    try:
        return int(text.strip(), base)
    except ValueError:
        raise BadAnswer from None
