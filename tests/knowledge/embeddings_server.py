"""An OpenAI-compatible /embeddings on loopback, that can be told to fail."""

import hashlib
import json
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import numpy as np

Answer = tuple[int, Any]  # status and body; a body of bytes is sent as it is


class EmbeddingsServer:
    """Vectors are made of the words' hashes, so that texts with the same words are alike."""

    def __init__(self, dimensions: int = 64) -> None:
        self.dimensions = dimensions
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.scripted: deque[Answer] = deque()  # answers instead of the right one
        self.held = ""  # calls with this text wait until `open` is set
        self.open = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def answer(self, asked: dict[str, Any]) -> Answer:
        self.asked.append(asked)
        if self.held in asked["input"]:
            self.open.wait(30)
        if self.scripted:
            return self.scripted.popleft()
        size = asked.get("dimensions", self.dimensions)
        items = [
            {"index": index, "embedding": vector(text, size)}
            for index, text in enumerate(asked["input"])
        ]
        return 200, {"data": items[::-1], "model": asked["model"]}

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()


def vector(text: str, dimensions: int) -> list[float]:
    total = np.zeros(dimensions)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.strip(".,?").encode()).digest()[:8], "big")
        total += np.random.default_rng(seed).normal(size=dimensions)
    return [float(value) for value in 3 * total]


def handler_for(server: EmbeddingsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.headers.append(dict(self.headers))
            status, answer = server.answer(json.loads(body))
            sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
