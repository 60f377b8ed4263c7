"""A scripted OpenAI-compatible server: answers as the test says and remembers what it was asked.

    model = upstream.model(Script(pieces=["Hel", "lo"], gate=upstream.gate(1)))

makes a model name that answers so. Several scripts are played one call after the other, the last
one for ever. A name nobody made gets the default script.
"""

import asyncio
import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests import completions
from tests.completions import FunctionCall
from tests.waiting import wait_until

HELLO = ("Hello! I'm here to help you with", " any questions or tasks you have.")
Fault = Literal["hang up", "cut", "unfinished", "malformed", "error", "no choices"]
Json = completions.Json
DONE = b"data: [DONE]\n\n"


def words(number: int) -> list[str]:
    """`number` pieces that differ, so that a lost or repeated one shows."""
    return [f"word{index} " for index in range(number)]


class Gate:
    """Lets the first pieces through and holds the rest until the test lets more pass."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pieces: float) -> None:
        self._loop = loop
        self._allowed = pieces
        self._changed = asyncio.Event()

    def let(self, pieces: float) -> None:
        """Lets `pieces` more pass, in every answer that stands before this gate."""
        self._loop.call_soon_threadsafe(self._add, pieces)

    def open(self) -> None:
        self.let(float("inf"))

    def _add(self, pieces: float) -> None:
        self._allowed += pieces
        self._changed.set()

    async def passing(self, index: int) -> None:
        """Returns when piece `index` (from 0) may pass."""
        while index >= self._allowed:
            self._changed.clear()
            await self._changed.wait()


@dataclass(frozen=True)
class Script:
    """How one call is answered. Whole answers pass their gate as piece 0."""

    pieces: Sequence[str] = HELLO
    delay: float = 0  # seconds before each piece
    gate: Gate | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: Fault | None = None
    fault_after: int = 0  # pieces that still come through
    usage: bool | Json = True  # or what is sent in its place
    finish_reason: str = "stop"
    calls: Sequence[FunctionCall] = ()  # of functions, after the pieces
    call_size: int = 5  # characters of arguments in an event of a stream
    error: str = "secret upstream words"  # of a status that is none of success

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class Call:
    """One request as it came in, and what became of its connection."""

    path: str
    headers: dict[str, str]
    body: Json
    ended: threading.Event = field(default_factory=threading.Event)  # answered as scripted
    dropped: threading.Event = field(default_factory=threading.Event)  # the caller hung up before


class Upstream:
    """The test's handle. The server runs in a thread of its own on a free port."""

    def __init__(self) -> None:
        self._scripts: dict[str, list[Script]] = {}
        self._calls: dict[str, list[Call]] = defaultdict(list)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self.port = 0
        threading.Thread(target=self._loop.run_forever, name="upstream", daemon=True).start()
        self._run(self._listen())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def model(self, *scripts: Script) -> str:
        """A new model name that plays `scripts`."""
        name = f"mock-{uuid.uuid4().hex[:12]}"
        self._scripts[name] = list(scripts)
        return name

    def gate(self, pieces: float = 0) -> Gate:
        """A gate that lets `pieces` through at first."""
        return Gate(self._loop, pieces)

    def calls(self, model: str) -> list[Call]:
        """The calls that named `model`, oldest first."""
        return list(self._calls[model])

    def wait_for_call(self, model: str, number: int = 1) -> Call:
        """The `number`th call to `model`, waited for."""
        enough = wait_until(
            lambda: self._calls[model][number - 1 :], f"call {number} to {model} upstream"
        )
        return enough[0]

    @contextmanager
    def down(self) -> Iterator[None]:
        """Refuses connections meanwhile; those that exist are closed."""
        self._run(self._hang_up())
        yield
        self._run(self._listen())

    def close(self) -> None:
        self._run(self._hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def take(self, call: Call) -> Script:
        """Remembers `call` and says how to answer it."""
        model = str(call.body.get("model", ""))
        self._calls[model].append(call)
        scripts = self._scripts.get(model, [Script()])
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=15)

    async def _listen(self) -> None:
        server = await self._loop.create_server(
            lambda: _Connection(self, self._connections), "127.0.0.1", self.port
        )
        self._server, self.port = server, server.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        assert self._server
        self._server.close()
        for connection in list(self._connections):
            connection.transport.abort()
        await self._server.wait_closed()


class _Connection(asyncio.Protocol):
    """One keep-alive connection: one request at a time, answered by a task."""

    transport: asyncio.Transport

    def __init__(self, upstream: Upstream, connections: set["_Connection"]) -> None:
        self.upstream = upstream
        self.connections = connections
        self.received = b""
        self.call: Call | None = None
        self.answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)
        if self.call and not self.call.ended.is_set():
            self.call.dropped.set()
        if self.answering:
            self.answering.cancel()

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        path, headers = _read_head(head)
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.received = rest[length:]
        self.call = Call(path, headers, json.loads(rest[:length] or b"{}"))
        self.answering = asyncio.create_task(self._answer(self.call))

    async def _answer(self, call: Call) -> None:
        if call.path == "/v1/models":
            self._send_json(
                200, {"object": "list", "data": [completions.model_entry("mock-model")]}
            )
        else:
            script = self.upstream.take(call)
            if said := completions.bad_name(call.body):
                script = Script(status=400, error=said)
            await self._play(script, call)
        call.ended.set()

    async def _play(self, script: Script, call: Call) -> None:
        if script.status != 200:
            await self._passing(script, 0)
            self._send_json(
                script.status, completions.failure(script.status, script.error), script.headers
            )
        elif call.body.get("stream"):
            await self._play_stream(script, call)
        else:
            await self._play_whole(script, call)

    async def _play_whole(self, script: Script, call: Call) -> None:
        await self._passing(script, 0)
        answer = completions.completion(
            script.pieces, call.body, script.finish_reason, script.calls
        )
        if script.usage:
            answer["usage"] = _usage(script, call)
        match script.fault:
            case None:
                self._send_json(200, answer)
            case "hang up":
                self.transport.abort()
            case "cut" | "unfinished":
                body = json.dumps(answer).encode()
                self._send(200, body[: len(body) // 2], {"Content-Length": str(len(body))})
                self.transport.close()
            case "malformed":
                self._send_json(200, "<html>This is no answer.")
            case "error":
                self._send_json(200, completions.failure(500))
            case "no choices":
                self._send_json(200, answer | {"choices": []})

    async def _play_stream(self, script: Script, call: Call) -> None:
        if script.fault == "hang up" and not script.fault_after:
            self.transport.abort()
            return
        sent = script.pieces[: script.fault_after] if script.fault else script.pieces
        headers = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
        self._send(200, b"", headers)
        for index, piece in enumerate(sent):
            await self._passing(script, index)
            self._send_event(completions.chunk(call.body, {"role": "assistant", "content": piece}))
        for number, function_call in enumerate(script.calls):
            for delta in function_call.deltas(number, script.call_size):
                self._send_event(completions.chunk(call.body, {"tool_calls": [delta]}))
        await self._passing(script, len(sent))
        self._end_stream(script, call)

    def _end_stream(self, script: Script, call: Call) -> None:
        match script.fault:
            case None:
                self._complete_stream(script, call)
            case "hang up" | "cut":
                self.transport.close()
            case "malformed":
                self._send_chunk(b'data: {"choices": [{"del\n\n', b"")
            case "error":
                self._send_chunk(completions.event(completions.failure(500)), DONE, b"")
            case "unfinished":
                self._send_chunk(b"")
            case "no choices":
                self._send_chunk(DONE, b"")

    def _complete_stream(self, script: Script, call: Call) -> None:
        self._send_event(completions.chunk(call.body, {}, script.finish_reason))
        if script.usage and (call.body.get("stream_options") or {}).get("include_usage"):
            usage = {"choices": [], "usage": _usage(script, call)}
            self._send_event(completions.chunk(call.body, {}) | usage)
        self._send_chunk(DONE, b"")

    async def _passing(self, script: Script, index: int) -> None:
        if script.delay:
            await asyncio.sleep(script.delay)
        if script.gate:
            await script.gate.passing(index)

    def _send_event(self, data: Json) -> None:
        self._send_chunk(completions.event(data))

    def _send_chunk(self, *chunks: bytes) -> None:
        """Each in HTTP's chunked coding. An empty one ends the answer."""
        for chunk in chunks:
            self.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def _send_json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        length = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        self._send(status, content, length | (headers or {}))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{k}: {v}" for k, v in headers.items())]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)


def _read_head(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs}


def _usage(script: Script, call: Call) -> Json:
    if isinstance(script.usage, dict):
        return script.usage
    return completions.usage(script.pieces, call.body)
