"""However slow what one account asks for is, others find a thread for their views."""

import asyncio
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from chatbot_project.api.threads import VIEWS, in_turn
from tests import servers
from tests.live import LiveAccount
from tests.servers import Server
from tests.waiting import wait_until

WAITING = """
SELECT count(*) FROM pg_locks WHERE relation = 'webhooks_endpoint'::regclass AND NOT granted
"""
THREADS = 5  # for views, of a pool of ten connections
OF_AN_ACCOUNT = 3


@pytest.fixture(scope="module")
def server(server_environment: dict[str, str], tmp_path_factory: Any) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("threads") / "server.log"
    started = servers.start("daphne", server_environment | {"DATABASE_POOL_SIZE": "10"}, log)
    yield started
    started.stop()


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def test_others_find_one(
    server: Server, live_owner: LiveAccount, live_stranger: LiveAccount
) -> None:
    mine, theirs = live_owner.client(server), live_stranger.client(server)
    with ThreadPoolExecutor(2 * THREADS) as callers:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE webhooks_endpoint")
            sent = [callers.submit(mine.get, "/api/webhooks") for _ in range(2 * THREADS)]
            wait_until(lambda: waiting() == OF_AN_ACCOUNT, "as many as may to be at work")
            assert theirs.get("/api/documents").status_code == 200
            assert waiting() == OF_AN_ACCOUNT
        assert [each.result().status_code for each in sent] == [200] * len(sent)


def test_so_they_do_for_what_answers_rest_on() -> None:
    """Attachments are read, and tools do their work, in the same threads."""
    mine, theirs, over = uuid.uuid4(), uuid.uuid4(), threading.Event()

    async def ask() -> None:
        slow = [asyncio.ensure_future(in_turn(mine, over.wait)) for _ in range(2 * VIEWS)]
        assert await in_turn(theirs, lambda: "read") == "read"
        assert not any(each.done() for each in slow)
        over.set()
        assert all(await asyncio.gather(*slow))

    asyncio.run(ask())
