"""Large files cost the server next to no memory, coming and going."""

import socket
from typing import Any

import httpx2
import pytest

from tests.api.memory import MEGABYTE, Memory
from tests.files.live import upload
from tests.live import LiveAccount
from tests.servers import Server

SIZE = 40 * MEGABYTE
READERS = 40
LINE = b"The moon moves the sea, and that makes the tides of every day.\n"


@pytest.fixture
def account(make_account: Any) -> LiveAccount:
    found: LiveAccount = make_account(max_file_bytes=100 * MEGABYTE, max_stored_bytes=10**9)
    return found


@pytest.fixture
def client(server: Server, account: LiveAccount) -> httpx2.Client:
    return account.client(server)


def stalled_reader(server: Server, account: LiveAccount, path: str) -> socket.socket:
    """Asks for a file and reads the head alone."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", server.port))
    key = f"Authorization: {account.headers['Authorization']}"
    reader.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{key}\r\n\r\n".encode())
    assert reader.recv(12).endswith(b"200")
    return reader


def test_memory(server: Server, account: LiveAccount, client: httpx2.Client) -> None:
    content = LINE * (SIZE // len(LINE))
    upload(client, LINE)  # what is loaded once is loaded
    with Memory(server) as memory:
        file = upload(client, content)
    assert memory.grown < 20 * MEGABYTE
    path = httpx2.URL(file["upload_url"]).raw_path.decode()
    with Memory(server) as memory:
        readers = [stalled_reader(server, account, path) for _ in range(READERS)]
        assert httpx2.get(f"{server.url}{path}").content == content
    for reader in readers:
        reader.close()
    assert memory.grown < 60 * MEGABYTE
    assert client.delete(f"/api/files/{file['id']}").status_code == 204
