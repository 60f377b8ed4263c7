"""An answer that is being written in this process: its text, its events, who waits for them."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from chat import events, mirror, sse
from chat.models import Message

GATHER_SECONDS = 0.02  # text is held back no longer; an event costs more than what it carries
KEEP_ALIVE_SECONDS = 15
AT_ONCE = 64_000  # bytes
MAX_CHARACTERS = 6_000_000  # a provider that says more does not know when to stop


class Answer:
    """Events are numbered from 1. An event's id is `<message>.<number>.<characters so far>`, and
    behind them how many sources have been told, if any."""

    def __init__(self, message: Message, *, streamed: bool) -> None:
        self.message = message  # its status, content and usage are set when it ends
        self.streamed = streamed  # else nobody sees its events, and there are none
        self._id = message.public_id
        self.events: list[bytes] = []
        self.text = ""
        self.sources = 0
        self.ended = False
        self.failure = ""  # why it failed, for the reader
        self._changed = asyncio.Event()
        self._gathered: list[str] = []
        self._half_character = ""
        self._last_flush = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        """Some more text: sent on now, or with what else comes within GATHER_SECONDS."""
        text = self._whole_characters(text)
        if not text:
            return
        self._gathered.append(text)
        if self._timer is None:
            wait = self._last_flush + GATHER_SECONDS - time.monotonic()
            if wait <= 0:
                self.flush()
            else:
                self._timer = asyncio.get_running_loop().call_later(wait, self.flush)

    def cite(self, shown: dict[str, Any]) -> None:
        """The next of its sources."""
        self.sources += 1
        self.publish(events.source(self.sources, shown))

    @property
    def is_full(self) -> bool:
        return len(self.text) >= MAX_CHARACTERS

    def _whole_characters(self, text: str) -> str:
        """Text that PostgreSQL can hold. A provider may cut an emoji's surrogates apart."""
        text = self._half_character + text.replace("\0", "")
        self._half_character = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half_character = text[:-1], text[-1]
        if text.isascii():
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._gathered:
            return
        text = "".join(self._gathered)
        self._gathered.clear()
        self.text += text
        self._last_flush = time.monotonic()
        self.publish(events.text(text))

    def publish(self, data: dict[str, Any]) -> None:
        if not self.streamed:
            return
        number = len(self.events) + 1
        event = sse.event(sse.position(self._id, number, len(self.text), self.sources), data)
        self.events.append(event)
        mirror.add(self.message.id, number, event)
        self._wake()

    def end(self, data: dict[str, Any]) -> None:
        """The last event. Nothing comes after it."""
        self.ended = True
        self.publish(data)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Until it has ended."""
        while not self.ended:
            await self._changed.wait()

    async def read(self, after: int = 0) -> AsyncIterator[bytes]:
        """The events after number `after`, to the last. Readers share them: one that stalls holds a
        copy of AT_ONCE bytes or of one event."""
        while True:
            changed = self._changed
            if len(self.events) > after:
                chunk, after = self._next(after)
                yield chunk
            if self.ended and len(self.events) <= after:
                return
            if len(self.events) <= after:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        await changed.wait()
                except TimeoutError:
                    yield sse.KEEP_ALIVE

    def _next(self, after: int) -> tuple[bytes, int]:
        """Some events after number `after` in one piece, and the number of the last of them."""
        last, size = after, 0
        while last < len(self.events) and size < AT_ONCE:
            size += len(self.events[last])
            last += 1
        return b"".join(self.events[after:last]), last
