"""The bench's language model: an OpenAI-compatible server that costs next to nothing.

It answers with TOKENS tokens: all at once, or for the model `paced` one every 1/PACE seconds. Every
answer is the same bytes, made beforehand. Run as a process of its own; prints its port.
"""

import asyncio
import json

TOKENS = 100
PACE = 50  # tokens a second and stream
WORDS = [f"token{number:03} " for number in range(TOKENS)]
TEXT = "".join(WORDS)
USAGE = {"prompt_tokens": 20, "completion_tokens": TOKENS, "total_tokens": 20 + TOKENS}


def _chunk(choices: list[dict], **more: object) -> bytes:
    common = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 0}
    data = json.dumps({**common, "model": "bench", "choices": choices, **more})
    return f"data: {data}\n\n".encode()


def _delta(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    return _chunk([{"index": 0, "delta": delta, "finish_reason": finish_reason}])


def _http_chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def _whole_answer() -> bytes:
    message = {"role": "assistant", "content": TEXT}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    common = {"id": "chatcmpl-bench", "object": "chat.completion", "created": 0, "model": "bench"}
    body = json.dumps({**common, "choices": [choice], "usage": USAGE}).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    return head.encode() + b"%d\r\n\r\n%b" % (len(body), body)


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
TOKEN_CHUNKS = [_http_chunk(_delta({"content": word})) for word in WORDS]
STREAM_TAIL = _http_chunk(
    _delta({}, "stop") + _chunk([], usage=USAGE) + b"data: [DONE]\n\n"
) + _http_chunk(b"")
WHOLE = _whole_answer()
STREAM = STREAM_HEAD + b"".join(TOKEN_CHUNKS) + STREAM_TAIL


class Connection(asyncio.Protocol):
    """A keep-alive connection. A request's body is looked at for two words, not parsed."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        _, _, length = head.lower().partition(b"content-length:")
        if len(body) < int(length.split(b"\r\n", 1)[0] or 0):
            return
        self.received = b""
        compact = body.replace(b" ", b"")
        if b'"stream":true' not in compact:
            self.transport.write(WHOLE)
        elif b'"model":"paced"' not in compact:
            self.transport.write(STREAM)
        else:
            self.transport.write(STREAM_HEAD)
            self._send_paced(0)

    def _send_paced(self, index: int) -> None:
        if self.transport.is_closing():
            return
        if index == TOKENS:
            self.transport.write(STREAM_TAIL)
            return
        self.transport.write(TOKEN_CHUNKS[index])
        asyncio.get_running_loop().call_later(1 / PACE, self._send_paced, index + 1)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
