"""A load generator on bare asyncio streams: keep-alive callers that check every answer they get."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.upstream import TEXT


@dataclass(frozen=True)
class Target:
    """What is asked of whom. `stream` says how the answer is read."""

    port: int
    path: str
    body: bytes
    stream: bool
    key: str = ""

    @property
    def request(self) -> bytes:
        lines = [
            f"POST {self.path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.key}",
            "Content-Type: application/json",
            f"Content-Length: {len(self.body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass
class Measured:
    """Seconds each answer took to its end and, of streams, to the first text."""

    answers: int = 0
    whole: list[float] = field(default_factory=list)
    first_text: list[float] = field(default_factory=list)


async def run(target: Target, *, answers: int, callers: int) -> Measured:
    """`answers` answers by `callers` callers at once. Raises AssertionError for a wrong answer."""
    measured = Measured()
    left = iter(range(answers))
    await asyncio.gather(*(_call_until_none_left(target, left, measured) for _ in range(callers)))
    return measured


async def _call_until_none_left(target: Target, left: Iterator[int], measured: Measured) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    request = target.request
    for _ in left:
        began = time.perf_counter()
        writer.write(request)
        await _read_answer(target, reader, measured, began)
        measured.whole.append(time.perf_counter() - began)
        measured.answers += 1
    writer.close()


async def _read_answer(
    target: Target, reader: asyncio.StreamReader, measured: Measured, began: float
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise AssertionError(head.decode() + (await reader.read(2000)).decode())
    _, found, length = head.lower().partition(b"content-length:")
    if found:
        check(target, await reader.readexactly(int(length.split(b"\r\n", 1)[0])))
    else:
        check(target, await _read_chunks(reader, measured, began))


async def _read_chunks(reader: asyncio.StreamReader, measured: Measured, began: float) -> bytes:
    parts: list[bytes] = []
    text_seen = False
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
        if not text_seen and b"token" in parts[-1]:
            text_seen = True
            measured.first_text.append(time.perf_counter() - began)
    await reader.readexactly(2)
    return b"".join(parts)


def check(target: Target, body: bytes) -> None:
    """Raises AssertionError unless the answer says all that the upstream said."""
    said = _streamed_text(body) if target.stream else _whole_text(json.loads(body))
    if said != TEXT:
        raise AssertionError(f"Not the upstream's text: {body[:2000]!r}")


def _whole_text(answer: dict) -> str:
    """Of our own answer or, for the comparison, of the upstream's."""
    if "choices" in answer:
        return str(answer["choices"][0]["message"]["content"])
    return str(answer["message"])


def _streamed_text(body: bytes) -> str:
    texts = []
    for line in body.split(b"\n"):
        if line.startswith(b"data: {"):
            data = json.loads(line[6:])
            if "choices" in data:
                texts += [choice["delta"].get("content", "") for choice in data["choices"]]
            elif data["type"] == "text":
                texts.append(data["content"])
    return "".join(texts)
