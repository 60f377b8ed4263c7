"""An endpoint that costs next to nothing: `python -m bench.receiver` prints its port.

It answers POST with 200 and remembers when the first byte of each `webhook-id` came, in seconds
since 1970; GET tells those times in JSON and forgets them.
"""

import asyncio
import json
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
times: dict[str, float] = {}


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received = b""
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.received:
            self.began = time.time()
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if found and head.startswith(b"GET"):
            self.tell()
        elif found and len(body) >= int(header(head, b"content-length")):
            times.setdefault(header(head, b"webhook-id").decode(), self.began)
            self.received = b""
            self.transport.write(ANSWER)

    def tell(self) -> None:
        body = json.dumps(times).encode()
        times.clear()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        self.transport.close()


def header(head: bytes, name: bytes) -> bytes:
    rest = head[head.lower().index(b"\r\n" + name + b":") + len(name) + 3 :]
    return rest.split(b"\r\n", 1)[0].strip()


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
