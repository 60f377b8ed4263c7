"""A database that comes back is used again within seconds, however long it was away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests import servers
from tests.live import LiveAccount
from tests.servers import Server
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
