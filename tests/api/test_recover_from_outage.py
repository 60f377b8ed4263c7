"""A database that comes back is used again within seconds, however long it was away; and what was
said meanwhile is stored."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from tests import servers
from tests.chat.asking import ask, history
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream, words
from tests.waiting import wait_until


@pytest.fixture
def door(tmp_path: Path) -> Path:
    """A folder that leads to the database's socket as long as the link in it exists."""
    folder = tmp_path / "d"
    folder.symlink_to(connection.settings_dict["HOST"])
    return folder


@pytest.fixture
def own_server(door: Path, server_environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    url = servers.database_url({**connection.settings_dict, "HOST": str(door)})
    environment = server_environment | {"DATABASE_URL": f"{url}?application_name=door"}
    server = servers.start("daphne", environment, tmp_path / "server.log")
    yield server
    server.stop()


def cut_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE application_name = 'door'"
        )


def test_it_is_back_soon(own_server: Server, door: Path, live_owner: LiveAccount) -> None:
    client = live_owner.client(own_server)
    assert client.get("/api/chat").status_code == 200
    door.unlink()
    cut_connections()
    wait_until(lambda: client.get("/api/chat").status_code == 503, "the outage")
    gave_up = "reconnection attempt in pool"
    wait_until(lambda: gave_up in own_server.log.read_text(), "the pool to give up", limit=30)
    door.symlink_to(connection.settings_dict["HOST"])
    wait_until(lambda: client.get("/api/chat").status_code == 200, "the recovery")


def test_an_answer_outlasts_it(
    own_server: Server, door: Path, live_owner: LiveAccount, upstream: Upstream
) -> None:
    """A whole one, of which nothing has been saved before."""
    client = live_owner.client(own_server)
    gate = upstream.gate()
    model = upstream.model(Script(words(20), gate=gate))
    with ThreadPoolExecutor(1) as asking:
        asked = asking.submit(ask, client, model)
        upstream.wait_for_call(model)
        door.unlink()
        cut_connections()
        gate.open()
        waits = "answer_waits_to_be_saved"
        wait_until(lambda: own_server.log.read_text().count(waits) > 6, "six tries")
        door.symlink_to(connection.settings_dict["HOST"])
        answer = asked.result()
    saved = history(client, answer["id"])[-1]
    assert (saved["status"], saved["content"]) == ("completed", "".join(words(20)))
