"""SIGTERM: what runs is ended in good order, and soon."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests import servers
from tests.live import LiveAccount, StartServer
from tests.waiting import wait_until

# A server whose hooks leave a note: the one registered first fails, the second ends when the test
# has seen that it runs.
HOOKED = """
import asyncio, pathlib, signal, sys
from chatbot_project.api import shutdown

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where tests run behind a shell

@shutdown.register
async def failing():
    raise RuntimeError

@shutdown.register
async def slow():
    note = pathlib.Path(sys.argv[1])
    note.write_text("saving")
    while note.exists():
        await asyncio.sleep(0.01)
    note.write_text("saved")

from chatbot_project import server
server.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_hooks_are_run_before_the_end(
    server_environment: dict[str, str],
    tmp_path: Path,
    live_owner: LiveAccount,
    number: signal.Signals,
) -> None:
    note, port = tmp_path / "note", servers.free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", HOOKED, str(note)],
        cwd=servers.PROJECT,
        env={**os.environ, **server_environment, "PORT": str(port)},
        stderr=(tmp_path / "log").open("wb"),
    )
    server = servers.Server("daphne", port, {}, process, tmp_path / "log")
    wait_until(server.is_ready, "the server", limit=40)
    client = live_owner.client(server)
    client.get("/api/chat")
    process.send_signal(number)
    wait_until(lambda: note.exists() and note.read_text() == "saving", "the hook")
    late = client.post("/api/chat", json={"message": "Hello"})  # over the connection kept open
    assert (late.status_code, late.headers["Connection"]) == (503, "close")
    assert late.json()["error"]["code"] == "INTERNAL_ERROR"
    assert all(name in late.headers for name in ("Retry-After", "X-RateLimit-Remaining"))
    assert process.poll() is None
    note.unlink()
    assert process.wait(timeout=10) == 0
    assert note.read_text() == "saved"
    assert "shutdown hook failed" in (tmp_path / "log").read_text()


def test_an_idle_server_ends_at_once(start_server: StartServer, live_owner: LiveAccount) -> None:
    server = start_server()
    live_owner.client(server).get("/api/chat")  # its connection is kept open
    server.process.terminate()
    assert server.process.wait(timeout=10) == 0


def test_a_port_in_use_is_one_line_and_a_failure(
    start_server: StartServer, server_environment: dict[str, str]
) -> None:
    taken = str(start_server().port)
    second = subprocess.run(
        [sys.executable, "-m", "chatbot_project.server"],
        cwd=servers.PROJECT,
        env={**os.environ, **server_environment, "PORT": taken},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"Cannot listen on 127.0.0.1:{taken}" in second.stderr


def test_it_listens_to_this_machine_alone(start_server: StartServer) -> None:
    server = start_server()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.2:{server.port}/healthz")
