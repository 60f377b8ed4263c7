"""Server-sent events: reading a provider's, writing ours.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

KEEP_ALIVE = b": keep-alive\n\n"
LONGEST_LINE = 1_000_000  # bytes; a provider that sends more in one line is not one


async def data_lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The `data:` lines of a stream, without the field name; each of a provider's is an event."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
        if len(rest) > LONGEST_LINE:
            return
    if rest.startswith(b"data:"):
        yield rest[5:].strip()


def event(id: str, data: dict[str, Any]) -> bytes:
    return f"id: {id}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def event_id(event: bytes) -> str:
    """The id of a rendered event."""
    return event.split(b"\n", 1)[0].removeprefix(b"id: ").decode()
