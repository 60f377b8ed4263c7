"""The whole platform in the foreground: servers, migrations, first-run data, the Procfile."""

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from django.conf import settings

from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.keeping import TITLES, Keeper
from chatbot_project.embedded.postgres_home import find_home
from chatbot_project.embedded.processes import wait_until
from chatbot_project.embedded.procfile import ProcfileRunner
from chatbot_project.embedded.reaching import complaint_about_redis
from chatbot_project.embedded.release import complete, prepare
from chatbot_project.embedded.services import make_lock_dir, running
from chatbot_project.embedded.welcome import Welcome

LEFTOVER_SECONDS = 1.0  # processes of a killed start need a moment to follow it


def run_stack() -> int:
    """Run until stopped; the exit status: 0 when asked to stop. Raises StartFailed."""
    data_dir: Path = settings.DATA_DIR
    with only_stack(data_dir) if settings.EMBEDDED_SERVICES else nullcontext():
        check_port(settings.HOST, settings.PORT)
        announce(settings.EMBEDDED_SERVICES, data_dir)
        with (
            running(settings.EMBEDDED_SERVICES, data_dir, later=["llm"]) as servers,
            Welcome(prepare()) as web_answers,
        ):
            complete()
            warn_of_redis()
            servers.wait()  # the processes read the model's address when they start
            procfile = settings.BASE_DIR / "Procfile"
            return ProcfileRunner(procfile, web_answers, Keeper(servers.shares).look).run()


@contextmanager
def only_stack(data_dir: Path) -> Iterator[None]:
    """Refuse a second run on the same data folder."""
    make_lock_dir(data_dir)
    descriptor = os.open(data_dir / "locks" / "stack", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not wait_until(lambda: _try_lock(descriptor), LEFTOVER_SECONDS):
            raise StartFailed(f"It runs already{_by(descriptor)} on the data folder {data_dir}.")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def check_port(host: str, port: int) -> None:
    """Say now, not after everything has started, that the port cannot be had."""
    problems: list[OSError] = []
    if not wait_until(lambda: _can_listen(host, port, problems), LEFTOVER_SECONDS):
        problem = problems[-1]
        if problem.errno == errno.EADDRINUSE:
            raise StartFailed(f"Port {port} is in use: choose another one with PORT.")
        raise StartFailed(f"Cannot listen on {host}, port {port} (HOST, PORT): {problem.strerror}.")


def announce(names: list[str], data_dir: Path) -> None:
    if names:
        say(f"Starting {', '.join(TITLES[name] for name in names)} (data in {data_dir}) ...")
    if "postgres" in names and not (home := find_home(data_dir)).is_in_data_dir:
        say(f"PostgreSQL runs as nobody, who cannot enter {data_dir}: its data is in {home.folder}")


def warn_of_redis() -> None:
    """One of our own answers by now. Another one may come later: no reason not to start."""
    is_embedded = "valkey" in settings.EMBEDDED_SERVICES
    if complaint := "" if is_embedded else complaint_about_redis(settings.REDIS_URL):
        say(complaint)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a foreground program tells what it does


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _by(descriptor: int) -> str:
    """Who holds the lock; nothing if it has not yet written so."""
    pid = os.pread(descriptor, 20, 0).decode("ascii", "replace")
    return f", as process {pid}," if pid.isdecimal() else ""


def _can_listen(host: str, port: int, problems: list[OSError]) -> bool:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        problems.append(problem)
        return False
    return True
