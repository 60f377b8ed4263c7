"""HTTP servers that receive webhooks, well or badly. Each answers as its script says."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.waiting import wait_until


@dataclass(frozen=True)
class Received:
    """One request. Names of headers are in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Behaviour:
    """A whole answer; `Retry_After="3"` is a header."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join([*lines, "", ""]).encode() + body)


def raw(data: bytes, *, close: bool = False) -> Behaviour:
    """These bytes, and the end of the connection if `close` says so."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return send


def late(seconds: float) -> Behaviour:
    """200 after a while, as from a receiver that does something."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    return send


def held(until: threading.Event, then: Behaviour) -> Behaviour:
    """No answer until the test says so."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not until.is_set():  # noqa: ASYNC110 - it is set in another thread
            await asyncio.sleep(0.02)
        await then(reader, writer)

    return send


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No answer, until the client has had enough."""
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def then_never(data: bytes) -> Behaviour:
    """These bytes, and nothing more, with the connection open."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await reader.read()

    return send


def endless(head: bytes, piece: bytes) -> Behaviour:
    """`piece` again and again, for as long as anybody listens."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()

    return send


class Receiver:
    """Listens on a loopback port, in a thread of its own. Answers 200 unless told otherwise."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.behaviour: Behaviour = answer()
        self.next: list[Behaviour] = []  # used up before `behaviour`
        self.scheme = "https" if tls else "http"
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(self._listen())
        self.port = int(self._server.sockets[0].getsockname()[1])

    @property
    def host(self) -> str:
        """As WEBHOOK_ALLOWED_HOSTS wants it."""
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}/hook"

    def wait_for(self, count: int, limit: float = 15) -> list[Received]:
        wait_until(lambda: len(self.received) >= count, f"{count} requests", limit)
        return self.received

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _end(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, backlog=1000)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                self.received.append(await _read(reader))
                behaviour = self.next.pop(0) if self.next else self.behaviour
                await behaviour(reader, writer)
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(head[0], headers, body)


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    server = Receiver(tls)
    yield server
    server.close()
