"""Files over HTTP, and workers in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import psutil

from tests.servers import PROJECT
from tests.waiting import wait_until

# A worker's own task, again and again, without what Celery needs to start.
LOOP = """
import time, django
django.setup()
from files import tasks
while True:
    tasks.process_files()
    time.sleep(0.02)
"""
LIMIT = 60  # seconds


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Processes files as a worker does. Killed at the end of the block, with all it started."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOOP],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, and no look at what it started: that must end by itself."""
    process.kill()
    process.wait()


def children_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


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

    def look() -> dict[str, Any] | None:
        shown = status(client, id)
        return shown if shown["status"] != "processing" else None

    return wait_until(look, "processing to end", limit=LIMIT)


def found(client: httpx2.Client, query: str, type: str = "text") -> list[dict[str, Any]]:
    asked = {"query": query, "type": type, "limit": 50}
    results: list[dict[str, Any]] = client.post("/api/knowledge/search", json=asked).json()[
        "results"
    ]
    return results
