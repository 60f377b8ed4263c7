"""Server-sent events: reading a provider's, writing ours.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
from typing import Any

KEEP_ALIVE = b": keep-alive\n\n"
# No line breaks to the standard, but to many a client: Python's splitlines, httpx's iter_lines.
BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})
LONGEST_LINE = 1_000_000  # bytes; a provider that sends more in one line is not one


class DataLines:
    """Splits a stream into its `data:` lines; each of a provider's is an event."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """What the lines that `chunk` completes say, without the field name."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise ValueError("a line without an end")
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]


def event(id: str, data: dict[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False)
    if not text.isascii():
        text = text.translate(BREAKS)
    return f"id: {id}\ndata: {text}\n\n".encode()


def position(message: str, number: int | str, characters: int, sources: int) -> str:
    """An event's id: where a reader is who has read it. `readers.parse_position` reads it."""
    return f"{message}.{number}.{characters}" + (f".{sources}" if sources else "")


def event_id(event: bytes) -> str:
    """The id of a rendered event."""
    return event.split(b"\n", 1)[0].removeprefix(b"id: ").decode()
