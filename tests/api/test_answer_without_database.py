"""While the database is away: quick refusals that say when to try again, and nobody is counted."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests import servers
from tests.live import LiveAccount
from tests.servers import Server

# Seconds that 42 calls would wait in turn, on the three threads that go to the database.
IN_TURN = 42 / 3 * 2


@pytest.fixture(scope="module")
def cut_off(
    server_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server whose database takes connections and then says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        url = f"postgres://nobody:x@127.0.0.1:{silent.getsockname()[1]}/none"
        log = tmp_path_factory.mktemp("server") / "server.log"
        server = servers.start("daphne", server_environment | {"DATABASE_URL": url}, log)
        yield server
        server.stop()


def ask_at_once(server: Server, headers: dict[str, str], times: int) -> list[httpx2.Response]:
    def ask(_: Any) -> httpx2.Response:
        return httpx2.get(f"{server.url}/api/chat", headers=headers, timeout=30)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(ask, range(times)))


def timed(
    server: Server, headers: dict[str, str], times: int
) -> tuple[float, list[httpx2.Response]]:
    began = time.monotonic()
    answers = ask_at_once(server, headers, times)
    return time.monotonic() - began, answers


def test_known_keys_are_refused_soon_and_not_counted(
    cut_off: Server, live_owner: LiveAccount
) -> None:
    began = time.monotonic()
    answers = ask_at_once(cut_off, live_owner.headers, 12)
    answers += ask_at_once(cut_off, live_owner.headers, 30)
    assert time.monotonic() - began < IN_TURN * 2 / 3
    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "INTERNAL_ERROR"
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["X-RateLimit-Remaining"] == "30"


def test_who_has_no_key_does_not_wait(cut_off: Server, live_owner: LiveAccount) -> None:
    """The others do, three at a time, unless the last ones have just been told not to."""
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(timed, cut_off, live_owner.headers, 9)
        took, [answer] = timed(cut_off, {}, 1)
        longest, _ = waiting.result()
    assert answer.status_code == 401
    assert took < max(1.0, longest)


def test_pages_say_so_too(cut_off: Server) -> None:
    cookies = {"Cookie": "sessionid=0123456789abcdefghij0123456789ab"}
    response = httpx2.get(f"{cut_off.url}/admin/", headers=cookies, timeout=30)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert response.headers["content-type"].startswith("text/html")
