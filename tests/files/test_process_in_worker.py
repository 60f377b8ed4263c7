"""From an upload to what a search finds, through the queue and a worker of Celery's."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.files.live import ended, found, upload
from tests.live import LiveAccount
from tests.servers import PROJECT, Server

WORKER = ["-m", "celery", "-q", "-A", "chatbot_project", "worker", "--concurrency", "1"]


@pytest.fixture
def worker(server_environment: dict[str, str]) -> Iterator[None]:
    environment = {**os.environ, **server_environment}
    process = subprocess.Popen(
        [sys.executable, *WORKER], cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL
    )
    yield
    process.terminate()
    process.wait(timeout=30)


def test_it_is_found(
    daphne: Server, live_owner: LiveAccount, live_stranger: LiveAccount, worker: None
) -> None:
    client = live_owner.client(daphne)
    ids = [upload(client, b"Tide number %d." % number)["id"] for number in range(3)]
    for id in ids:
        assert ended(client, id)["status"] == "completed"
    assert sorted(each["source"]["id"] for each in found(client, "tide", "hybrid")) == sorted(ids)
    assert found(live_stranger.client(daphne), "tide", "hybrid") == []
    assert client.delete(f"/api/files/{ids[0]}").status_code == 204
    assert len(found(client, "tide")) == 2
