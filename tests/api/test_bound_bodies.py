"""A body over the limit is refused before it is kept anywhere."""

from collections.abc import Iterator

import pytest

from accounts import keys
from tests.api.memory import MEGABYTE, Memory
from tests.api.wire import HOST, Answer, connect, exchange, read_answer
from tests.live import LiveAccount
from tests.servers import Server

BLOCK = b"x" * MEGABYTE
CHUNK = b"%x\r\n" % MEGABYTE + BLOCK + b"\r\n"


def head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode()


def send(server: Server, start: bytes, blocks: int, block: bytes) -> Answer:
    """Sends all it wants to send before it reads, as most clients do."""
    with connect(server) as connection:
        connection.sendall(start)
        for _ in range(blocks):
            connection.sendall(block)
        return read_answer(connection)


@pytest.fixture(params=["without a key", "with a key"])
def key(request: pytest.FixtureRequest, live_owner: LiveAccount) -> Iterator[list[str]]:
    header = f"Authorization: {live_owner.headers['Authorization']}"
    yield [header] if request.param == "with a key" else []


@pytest.mark.parametrize("path", ["/api/chat", "/api/files/upload", "/api/nowhere", "/"])
def test_a_gigabyte_leaves_memory_flat(daphne: Server, key: list[str], path: str) -> None:
    with Memory(daphne) as memory:
        answer = send(daphne, head(path, *key, "Content-Length: 1000000000"), 1000, BLOCK)
    assert memory.grown < 50 * MEGABYTE
    assert (answer.status, answer.closed) == (413, True)


def test_a_gigabyte_in_chunks_leaves_memory_flat(daphne: Server, key: list[str]) -> None:
    start = head("/api/chat", *key, "Transfer-Encoding: chunked")
    with Memory(daphne) as memory:
        answer = send(daphne, start, 1000, CHUNK)
    assert memory.grown < 60 * MEGABYTE
    assert (answer.status, answer.closed) == (413 if key else 401, True)


def test_the_refusal_is_in_our_format(server: Server, live_owner: LiveAccount) -> None:
    key = f"Authorization: {live_owner.headers['Authorization']}"
    answer = exchange(server, head("/api/chat", key, "Content-Length: 12000000"))
    assert (answer.status, answer.error["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.error["details"]["limit_bytes"] == 10 * MEGABYTE
    assert answer.headers["x-ratelimit-limit"] == "1000000"
    assert answer.error["details"]["request_id"] == answer.headers["x-request-id"]


MADE_UP = [
    "",
    "Authorization: Bearer x",
    "Authorization: Basic abc",
    f"Authorization: Bearer {keys.make()}",
    "Cookie: sessionid=0123456789abcdef0123456789abcdef",
]


@pytest.mark.parametrize("shown", MADE_UP, ids=["nothing", "no key", "no bearer", "key", "cookie"])
@pytest.mark.parametrize("path", ["/api/files/upload", "/api/documents"])
def test_who_is_unknown_sends_nothing_large(server: Server, shown: str, path: str) -> None:
    start = head(path, *filter(None, [shown]), "Content-Length: 9000000")
    answer = exchange(server, start)  # none of the body: it is not waited for
    assert (answer.status, answer.error["code"], answer.closed) == (401, "INVALID_API_KEY", True)
    assert answer.error["details"]["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-ratelimit-limit"] == "30"


def test_a_request_as_sent_to_proxies_is_no_way_around(daphne: Server) -> None:
    answer = exchange(
        daphne, head("http://example.com/api/files/upload", "Content-Length: 9000000")
    )
    assert (answer.status, answer.closed) == (401, True)


def test_who_is_unknown_sends_no_large_chunks(server: Server) -> None:
    key = f"Authorization: Bearer {keys.make()}"
    with connect(server) as connection:
        connection.sendall(head("/api/files/upload", key, "Transfer-Encoding: chunked") + CHUNK)
        answer = read_answer(connection)  # the last chunk is not waited for
    assert (answer.status, answer.closed) == (401, True)


def test_who_is_unknown_is_not_told_to_go_on(daphne: Server) -> None:
    key = f"Authorization: Bearer {keys.make()}"
    asking = head("/api/files/upload", key, "Expect: 100-continue", "Content-Length: 90000000")
    assert exchange(daphne, asking).status == 401


def test_who_is_known_is_told_to_go_on(server: Server, live_owner: LiveAccount) -> None:
    key = f"Authorization: {live_owner.headers['Authorization']}"
    json = "Content-Type: application/json"
    asking = head("/api/chat", key, json, "Expect: 100-continue", "Content-Length: 100000")
    with connect(server) as connection:
        connection.sendall(asking)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"[" * 100_000)
        assert read_answer(connection).status == 400
        connection.sendall(b"GET /api/usage HTTP/1.1\r\n" + HOST + key.encode() + b"\r\n\r\n")
        assert read_answer(connection).status == 200


def test_large_chunks_of_a_known_sender_are_read(server: Server, live_owner: LiveAccount) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"message": "'
        for _ in range(4):
            yield b"x" * 50_000
        yield b'"}'

    response = live_owner.client(server).post(
        "/api/chat", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert "message" in response.json()["error"]["details"]["invalid_fields"]


def test_the_paths_of_files_take_no_more(server: Server) -> None:
    answer = exchange(server, head("/static/nowhere", "Content-Length: 12000000"))
    assert answer.status == 413
    with connect(server) as connection:
        connection.sendall(head("/static/nowhere", "Content-Length: 0", "Connection: close"))
        raw = connection.makefile("rb").read().lower()
    assert raw.startswith(b"http/1.1 404") or raw.startswith(b"http/1.1 405")
    assert raw.count(b"x-request-id:") == 1


def test_who_asks_first_is_not_told_to_go_on(daphne: Server, live_owner: LiveAccount) -> None:
    key = f"Authorization: {live_owner.headers['Authorization']}"
    asking = head("/api/chat", key, "Expect: 100-continue", "Content-Length: 12000000")
    assert exchange(daphne, asking).status == 413


def test_a_body_under_the_limit_is_read_whole(server: Server, live_owner: LiveAccount) -> None:
    body = b'{"message": "' + b"x" * 9_900_000 + b'"}'
    response = live_owner.client(server).post(
        "/api/chat", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert "message" in response.json()["error"]["details"]["invalid_fields"]


def test_the_connection_is_kept_after_an_error(daphne: Server) -> None:
    with connect(daphne) as connection:
        for _ in range(2):
            connection.sendall(b"GET /api/nowhere HTTP/1.1\r\n" + HOST + b"\r\n")
            assert read_answer(connection).status in (401, 404, 429)


def test_a_large_body_is_handed_on_in_pieces(daphne: Server, live_owner: LiveAccount) -> None:
    """On the one path that takes it. Nothing is made of it: it is sent to be read, not kept."""
    key = f"Authorization: {live_owner.headers['Authorization']}"
    start = head("/api/files/upload", key, "Content-Length: 99000000", "Connection: close")
    with Memory(daphne) as memory:
        answer = send(daphne, start, 99, BLOCK)
    assert answer.status != 413
    assert memory.grown < 60 * MEGABYTE
