"""Pages, however many are asked for at once, leave connections to the calls of the API."""

import asyncio

import httpx2

from tests.live import LiveAccount
from tests.servers import Server

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
