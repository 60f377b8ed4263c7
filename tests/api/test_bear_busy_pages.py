"""Pages, however many are asked for at once, leave connections to the calls of the API."""

import asyncio
import socket

import httpx2
from django.db import connection, transaction

from tests.live import LiveAccount
from tests.servers import Server
from tests.waiting import wait_until

TIMES = 120
SESSION = {"Cookie": "sessionid=0123456789abcdefghij0123456789ab"}  # nobody's: it is looked up


async def ask_for_pages(server: Server, account: LiveAccount) -> tuple[set[int], set[int]]:
    """The statuses of the pages, and of the calls of a key in between."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=server.url, limits=limits, timeout=60) as client:
        pages = [
            asyncio.ensure_future(client.get("/admin/login/", headers=SESSION))
            for _ in range(TIMES)
        ]
        calls = set()
        while not all(page.done() for page in pages):
            answer = await client.get("/api/usage", headers=account.headers)
            calls.add(answer.status_code)
        return {page.result().status_code for page in pages}, calls


def test_neither_pages_nor_calls_are_refused(server: Server, live_owner: LiveAccount) -> None:
    assert asyncio.run(ask_for_pages(server, live_owner)) == ({200}, {200})
    assert "does not answer" not in server.log.read_text()


WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%django_session%'
"""
PAGE = "GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\nCookie: {Cookie}\r\n\r\n"


def waiting_pages() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else it is what it was at first
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def hang_up_on_page(server: Server) -> None:
    """While it waits for the database."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE django_session")
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(PAGE.format(**SESSION).encode())
            wait_until(lambda: waiting_pages() == 1, "the page to wait")
        for _ in range(3):  # by then the server has seen that nobody is there
            assert server.is_ready()


def test_pages_nobody_waits_for_keep_no_connection(server: Server, live_owner: LiveAccount) -> None:
    client = live_owner.client(server)
    for _ in range(8):  # more connections than there are
        hang_up_on_page(server)
        assert client.get("/api/usage").status_code == 200
    assert client.get("/admin/login/", headers=SESSION).status_code == 200
    assert {client.get("/api/files").status_code for _ in range(20)} == {200}
