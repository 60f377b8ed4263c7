"""Readers that stop reading cost no memory to speak of, and hinder nobody."""

import socket

import httpx2
import psutil
import pytest

from chat.models import Message, Status
from tests import events
from tests.chat.asking import ask, resuming, streaming
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream
from tests.waiting import wait_until

READERS = 60
PIECES = [f"{index:04} {'x' * 995}" for index in range(5_000)]
SIZE = sum(map(len, PIECES))  # 5 MB


@pytest.fixture
def client(server: Server, live_owner: LiveAccount) -> httpx2.Client:
    return live_owner.client(server)


def stalled_reader(server: Server, account: LiveAccount, chat: str) -> socket.socket:
    """Asks for the stream of a chat and reads its head alone."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", server.port))
    lines = [
        f"GET /api/chat/{chat}/stream HTTP/1.1",
        "Host: localhost",
        f"Authorization: {account.headers['Authorization']}",
    ]
    reader.sendall("\r\n".join([*lines, "", ""]).encode())
    assert reader.recv(12).endswith(b"200")
    return reader


def test_memory(
    server: Server, client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    process = psutil.Process(server.process.pid)
    gate = upstream.gate(1)
    model = upstream.model(Script(PIECES, gate=gate))
    with streaming(client, model) as stream:
        chat = next(stream).data["chat_id"]
    readers = [stalled_reader(server, live_owner, chat) for _ in range(READERS)]
    before = process.memory_info().rss
    gate.open()
    answer = Message.objects.filter(
        chat__owner=live_owner.user, status=Status.COMPLETED, model=model
    )
    wait_until(answer.exists, "the answer to be written", limit=60)
    grown = process.memory_info().rss - before
    assert ask(client, upstream.model(Script(["Fine."])))["message"] == "Fine."
    with resuming(client, chat) as stream:
        assert events.text_of(stream) == "".join(PIECES)
    for reader in readers:
        reader.close()
    assert grown < READERS * SIZE / 3  # a copy for each would be three times as much
