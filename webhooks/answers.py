"""HTTP/1.1 answers, read as their bytes come (RFC 9112), bounded in size whoever sends them."""

from collections.abc import Generator, Mapping
from typing import NamedTuple

# Bytes of all that is not body: heads, interim ones too, lines between chunks, trailers. Together:
# each is read in the one event loop, and there may be any number of them.
LONGEST_HEAD = 32_768
LEAST_ROOM = 8_192  # of that, for trailers and what follows them
LONGEST_ANSWER = 16_384  # bytes of a body that are read and kept
BODILESS = (204, 304)


class BadAnswer(Exception):
    """What came back is not HTTP."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes  # at most LONGEST_ANSWER
    reusable: bool  # the connection can take another request


class Head(NamedTuple):
    status: int
    headers: dict[str, str]
    persistent: bool


class Reader:
    """Takes one answer out of `received`. Each step of `answer` waits for more of it, or its end.

    Raises BadAnswer; EOFError for an end that comes too early.
    """

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended = False
        self._room = 0  # what is left of LONGEST_HEAD

    def answer(self) -> Generator[None, None, Answer]:
        self._room = LONGEST_HEAD
        head = yield from self._head()
        while 100 <= head.status < 200 and head.status != 101:  # interim answers
            head = yield from self._head()
        body, complete = yield from self._body(head)
        closes = head.headers.get("connection", "").lower() == "close"
        reusable = complete and head.persistent and not closes and not self.received
        return Answer(head.status, head.headers, body, reusable)

    def _head(self) -> Generator[None, None, Head]:
        text = (yield from self._until(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.split("\r\n")
        version, _, rest = first.partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or len(status) < 3 or not status.isdecimal():
            raise BadAnswer
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return Head(int(status), headers, version == "HTTP/1.1")

    def _body(self, head: Head) -> Generator[None, None, tuple[bytes, bool]]:
        """Its first LONGEST_ANSWER bytes, and whether that was all of it."""
        if head.status in BODILESS or head.status == 101:
            return b"", head.status != 101
        if "transfer-encoding" in head.headers:
            return (yield from self._chunks())
        if "content-length" not in head.headers:
            return (yield from self._at_most(LONGEST_ANSWER)), False
        length = number(head.headers["content-length"], 10)
        body = yield from self._exactly(min(length, LONGEST_ANSWER))
        return body, length <= LONGEST_ANSWER

    def _chunks(self) -> Generator[None, None, tuple[bytes, bool]]:
        body = b""
        while True:
            if self._room < LEAST_ROOM:  # a body in crumbs: what has come of it will do
                return body, False
            line = yield from self._until(b"\r\n")
            size = number(line.partition(b";")[0].decode("latin-1"), 16)
            if not size:
                break
            room = LONGEST_ANSWER - len(body)
            body += yield from self._exactly(min(size, room))
            if size >= room:
                return body, False
            yield from self._until(b"\r\n")
        while (yield from self._until(b"\r\n")):  # trailers
            pass
        return body, True

    def _until(self, mark: bytes) -> Generator[None, None, bytes]:
        """What stands before the next `mark`."""
        looked = 0
        while (end := self.received.find(mark, looked, self._room)) < 0:
            if len(self.received) >= self._room:
                raise BadAnswer
            looked = max(0, len(self.received) - len(mark) + 1)
            yield from self._more()
        self._room -= end + len(mark)
        return self._taken(end, len(mark))

    def _exactly(self, size: int) -> Generator[None, None, bytes]:
        while len(self.received) < size:
            yield from self._more()
        return self._taken(size)

    def _at_most(self, size: int) -> Generator[None, None, bytes]:
        """`size` bytes, or what there is before the end."""
        while len(self.received) < size and not self.ended:
            yield
        return self._taken(min(size, len(self.received)))

    def _more(self) -> Generator[None, None, None]:
        if self.ended:
            raise EOFError
        yield

    def _taken(self, size: int, also: int = 0) -> bytes:
        taken = bytes(self.received[:size])
        del self.received[: size + also]
        return taken


def number(text: str, base: int) -> int:
    """Raises BadAnswer."""
    try:
        if text.strip().isalnum():
            return int(text.strip(), base)
    except ValueError:
        pass
    raise BadAnswer
