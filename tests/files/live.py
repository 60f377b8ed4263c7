"""Files over HTTP, and workers in processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import psutil
import pytest

from tests.servers import PROJECT
from tests.waiting import wait_until

# For each line it reads, a worker's own task, again and again, in a process of its own: all that
# takes long to start is there already.
NURSERY = """
import os, signal, sys, time, django
django.setup()
from files import tasks
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    child = os.fork()
    if child:
        print(child, flush=True)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    while True:
        tasks.process_files()
        time.sleep(0.02)
"""
LIMIT = 60  # seconds


class Nursery:
    """Starts workers, quickly."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            cwd=PROJECT,
            env={**os.environ, **environment, "FILES_AT_ONCE": "2"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @contextmanager
    def worker(self) -> Iterator[psutil.Process]:
        """Processes files until the end of the block, when it is killed."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("start\n")
        self.process.stdin.flush()
        started = psutil.Process(int(self.process.stdout.readline()))
        try:
            yield started
        finally:
            kill(started)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="session")
def nursery(server_environment: dict[str, str]) -> Iterator[Nursery]:
    made = Nursery(server_environment)
    yield made
    made.close()


def kill(process: psutil.Process) -> None:
    """kill -9, and no look at what it started: that must end by itself."""
    if process.is_running():
        process.send_signal(signal.SIGKILL)
        wait_until(lambda: is_gone(process), "a worker to end")


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def upload(
    client: httpx2.Client, content: bytes, name: str = "tides.txt", **fields: Any
) -> dict[str, Any]:
    response = client.post("/api/files/upload", files={"file": (name, content)}, data=fields)
    assert response.status_code == 201, response.text
    shown: dict[str, Any] = response.json()
    return shown


def status(client: httpx2.Client, id: str) -> dict[str, Any]:
    shown: dict[str, Any] = client.get(f"/api/files/{id}/status").json()
    return shown


def ended(client: httpx2.Client, id: str) -> dict[str, Any]:
    """Its status, once its processing has ended."""
    wait_until(
        lambda: status(client, id)["status"] != "processing", "processing to end", limit=LIMIT
    )
    return status(client, id)


def found(client: httpx2.Client, query: str, type: str = "text") -> list[dict[str, Any]]:
    asked = {"query": query, "type": type, "limit": 50}
    response = client.post("/api/knowledge/search", json=asked)
    results: list[dict[str, Any]] = response.json()["results"]
    return results
