"""A client that does not read what it is sent costs the server next to nothing."""

from contextlib import ExitStack

from tests.api.memory import MEGABYTE, Memory
from tests.api.wire import HOST, connect, read_answer
from tests.servers import Server

LARGE = b"/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"  # 1.6 MB
REQUEST = b"GET " + LARGE + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def test_stalled_readers_hold_little_memory(daphne: Server) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(daphne)) for _ in range(80)]
        with Memory(daphne) as memory:
            for connection in connections:
                connection.sendall(REQUEST)
            for connection in connections:
                assert connection.recv(12) == b"HTTP/1.1 200"
            assert daphne.is_ready()
        assert memory.grown < 40 * MEGABYTE


def test_a_reader_that_goes_on_gets_all(daphne: Server) -> None:
    with connect(daphne) as connection:
        connection.sendall(REQUEST)
        answer = read_answer(connection)
    assert len(answer.body) == int(answer.headers["content-length"]) > MEGABYTE
