"""HTTP as raw bytes, for requests that no client library would send."""

import json
import socket
from dataclasses import dataclass
from typing import Any

from tests.servers import Server

HOST = b"Host: localhost\r\n"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes
    closed: bool  # by the server, after the answer

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = json.loads(self.body)["error"]
        return error


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=15)


def exchange(server: Server, request: bytes) -> Answer:
    """Sends the bytes on a connection of its own and reads one answer."""
    with connect(server) as connection:
        connection.sendall(request)
        return read_answer(connection)


def read_answer(connection: socket.socket) -> Answer:
    """An answer with Content-Length, or one that ends with the connection."""
    reader = connection.makefile("rb")
    status = int(reader.readline().split()[1])
    headers: dict[str, str] = {}
    while line := reader.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    length = headers.get("content-length")
    body = reader.read(int(length)) if length else reader.read()
    closed = headers.get("connection") == "close" and not reader.read(1)
    return Answer(status, headers, body, closed)
