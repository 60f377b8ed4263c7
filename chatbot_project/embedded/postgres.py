"""The embedded PostgreSQL, with pgvector: one database, a password, no network address."""

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chatbot_project.embedded import processes
from chatbot_project.embedded.addresses import DATABASE, USER, postgres_socket_dir
from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.folders import make_private_dir
from chatbot_project.embedded.kept_secrets import kept_secret
from chatbot_project.embedded.postgres_home import Home, find_home

START_SECONDS = 60.0  # recovery after a crash takes its time
STOP_SECONDS = 3.5  # then it is killed, and recovers at its next start
LEFTOVER_SECONDS = 10.0  # sessions of a killed server end by themselves, but not at once
STATUS_LINE = 7  # of postmaster.pid, counted from 0: "starting", "ready", "stopping"
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "256MB",
    # One machine, no replica: fewer processes, less to write.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",
    "jit": "off",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# For data that nobody would miss, as in tests.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Postgres:
    data_dir: Path
    durable: bool = True

    @cached_property
    def home(self) -> Home:
        return find_home(self.data_dir)

    @property
    def log(self) -> Path:
        return self.data_dir / "postgres.log"

    def is_running(self) -> bool:
        return bool(self._server_pid()) and self._pid_file()[STATUS_LINE:] == ["ready"]

    def start(self) -> None:
        """Start the server, on a new cluster if there is none. Raises StartFailed."""
        make_private_dir(postgres_socket_dir(self.data_dir), self.home.owner)
        self.home.prepare()
        if not self.home.data.exists():
            self._initialize()
        after_crash = bool(self._pid_file())
        if not processes.wait_until(self._try_to_start, LEFTOVER_SECONDS if after_crash else 0):
            raise StartFailed(f"PostgreSQL does not start: see {self.log}")

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything committed is kept."""
        pid = self._server_pid()
        if pid:
            processes.end(pid, signal.SIGINT, STOP_SECONDS)
        shutil.rmtree(postgres_socket_dir(self.data_dir), ignore_errors=True)

    def _try_to_start(self) -> bool:
        """Whether it came up. One that is starting already (recovering, say) is waited for."""
        process: subprocess.Popen[bytes] | None = None
        if not self._server_pid():
            self._drop_stale_pid_file()
            process = self.home.launch("postgres", *self._arguments(), log=self.log)

        def is_settled() -> bool:
            return self.is_running() or (process is not None and process.poll() is not None)

        return processes.wait_until(is_settled, START_SECONDS) and self.is_running()

    def _arguments(self) -> list[str]:
        options = OPTIONS | ({} if self.durable else CARELESS)
        options["unix_socket_directories"] = str(postgres_socket_dir(self.data_dir))
        arguments = ["-D", str(self.home.data)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        return arguments

    def _server_pid(self) -> int | None:
        """The server's process, or None. After a crash its old number may be another program's."""
        lines = self._pid_file()
        if not lines or not processes.is_alive(int(lines[0])):
            return None
        return int(lines[0]) if processes.works_on(int(lines[0]), self.home.data) else None

    def _drop_stale_pid_file(self) -> None:
        """PostgreSQL does it itself, unless the number has become another program's.

        Never while the number is a PostgreSQL's: it may work on this folder, moved since.
        """
        lines = self._pid_file()
        if not lines or not processes.is_alive(int(lines[0])):
            return
        pid_file = self.home.data / "postmaster.pid"
        program = processes.command_of(int(lines[0]))[:1]
        if any(Path(path).name == "postgres" for path in program):
            raise StartFailed(
                f"{pid_file} names a PostgreSQL that runs (process {lines[0]}): stop that first."
            )
        pid_file.unlink(missing_ok=True)

    def _pid_file(self) -> list[str]:
        try:
            text = (self.home.data / "postmaster.pid").read_text()
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines()]

    def _initialize(self) -> None:
        """Make the cluster and its database beside their place, then move them in."""
        draft = self.home.folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir="/tmp") as password:
            password.write(kept_secret(self.data_dir, "postgres-password"))
            password.flush()
            os.chown(password.name, *self.home.owner)
            self._run(
                "initdb", "--pgdata", str(draft), "--username", USER, "--pwfile", password.name,
                "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale-provider", "builtin",
                "--locale", "C.UTF-8", "--no-instructions",
            )  # fmt: skip
        create = f"CREATE DATABASE {DATABASE}\n"
        self._run("postgres", "--single", "-D", str(draft), "postgres", typed=create)
        draft.rename(self.home.data)

    def _run(self, name: str, *arguments: str, typed: str = "") -> None:
        done = self.home.run(self.home.program(name), *arguments, typed=typed)
        if done.returncode:
            with self.log.open("a") as log:
                log.write(done.stdout + done.stderr)
            raise StartFailed(f"PostgreSQL's {name} failed: see {self.log}")
