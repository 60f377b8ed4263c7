"""Real server processes of this application, for tests that need more than a test client."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from tests.waiting import wait_until

PROJECT = Path(__file__).resolve().parent.parent
COMMANDS = {
    "daphne": ["-m", "chatbot_project.server"],
    "uvicorn": [
        *("-m", "uvicorn", "chatbot_project.asgi:application", "--port", "{port}"),
        *("--timeout-graceful-shutdown", "2"),  # else it waits for open streams before it ends
    ],
}


@dataclass
class Server:
    """A running web process. `environment` is what it was given besides this process's own."""

    kind: str
    port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Whether /healthz answers. Fails the test when the process has ended."""
        if self.process.poll() is not None:
            raise AssertionError(f"{self.kind} ended with {self.process.returncode}.")
        try:
            return httpx2.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False

    def kill(self) -> None:
        """kill -9: nothing gets a chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, as a process manager does, and SIGKILL for one that does not listen."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()


def start(kind: str, environment: dict[str, str], log: Path) -> Server:
    """Starts `daphne` or `uvicorn` on a free port and returns when it answers."""
    port = free_port()
    command = [sys.executable, *(part.format(port=port) for part in COMMANDS[kind])]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **environment, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    server = Server(kind, port, environment, process, log)
    try:
        wait_until(server.is_ready, f"{kind} to answer", limit=40)
    except AssertionError as error:
        server.kill()
        raise AssertionError(f"{error}\n{log.read_text()[-5000:]}") from None
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url(database: dict[str, Any]) -> str:
    """The URL of `connection.settings_dict`, so that a server finds the tests' own database."""
    parts = [str(database[name] or "") for name in ("USER", "PASSWORD", "HOST", "NAME")]
    user, password, host, name = (quote(part, safe="") for part in parts)
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"postgres://{user}:{password}@{host}{port}/{name}"
