"""The whole platform in a scratch folder, as `make run` starts it, with the bench's upstream."""

import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import psycopg
import redis

from bench.costs import Part
from chatbot_project.embedded.addresses import embedded_addresses
from chatbot_project.embedded.services import running

PROJECT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
ACCOUNT = """
from accounts.models import Tier
limits = dict.fromkeys(
    ["requests_per_minute", "concurrent_answers", "max_file_bytes", "max_files", "max_stored_bytes",
     "max_endpoints", "max_api_keys"], 1_000_000_000)
Tier.objects.get_or_create(name="bench", defaults=limits)
"""


@dataclass
class Platform:
    port: int
    upstream_port: int
    key: str
    parts: list[Part]  # all that works on an answer
    upstream: Part  # which does not
    yardstick_port: int
    yardstick: Part  # nor does it: see bench.yardstick
    database_url: str

    def part(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)

    def chats_without_title(self) -> int:
        with psycopg.connect(self.database_url) as database:
            row = database.execute("SELECT count(*) FROM chat_chat WHERE title_wanted").fetchone()
            return int(row[0]) if row else 0


@contextmanager
def started(folder: Path) -> Iterator[Platform]:
    """Starts everything in `folder` and ends it all afterwards."""
    addresses = embedded_addresses(folder)
    with ExitStack() as stack:
        stack.enter_context(running(["postgres", "valkey"], folder))
        upstream, upstream_port = _server("bench.upstream", stack)
        yardstick, yardstick_port = _server("bench.yardstick", stack)
        port = _free_port()
        environment = {
            "CHATBOT_DATA_DIR": str(folder),
            "ENV_FILE": os.devnull,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream_port}/v1",
            "OPENAI_API_KEY": "bench",
            "PORT": str(port),
        }
        key = _prepare(environment)
        parts = [
            _start_part(name, environment, folder, stack) for name in ("web", "worker", "beat")
        ]
        _wait_for(port)
        yield Platform(
            port=port,
            upstream_port=upstream_port,
            key=key,
            parts=[*parts, *_servers(addresses)],
            upstream=Part("upstream", psutil.Process(upstream.pid)),
            yardstick_port=yardstick_port,
            yardstick=Part("yardstick", psutil.Process(yardstick.pid)),
            database_url=addresses["DATABASE_URL"],
        )


def _server(module: str, stack: ExitStack) -> tuple[subprocess.Popen[bytes], int]:
    """A process of the bench's own, and the port that it prints."""
    process = spawn([sys.executable, "-m", module], {}, stack, stdout=subprocess.PIPE)
    assert process.stdout
    return process, int(process.stdout.readline())


def _prepare(environment: dict[str, str]) -> str:
    """Migrates and makes an account without limits. Returns its key."""
    _manage(environment, "migrate", "--verbosity", "0")
    _manage(environment, "shell", "--no-imports", "--command", ACCOUNT)
    return _manage(environment, "createapikey", "bench@localhost", "--tier", "bench").strip()


def _manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _start_part(name: str, environment: dict[str, str], folder: Path, stack: ExitStack) -> Part:
    """One line of the Procfile, its output in a log of its own."""
    log = stack.enter_context((folder / f"bench-{name}.log").open("wb"))
    process = spawn(shlex.split(procfile()[name]), environment, stack, stdout=log, stderr=log)
    return Part(name, psutil.Process(process.pid))


def procfile() -> dict[str, str]:
    lines = (PROJECT / "Procfile").read_text().splitlines()
    commands = (line.partition(":") for line in lines if ":" in line and line[0] != "#")
    return {name.strip(): command.strip() for name, _, command in commands}


def spawn(
    command: list[str], environment: dict[str, str], stack: ExitStack, **output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, **environment, "PATH": path},
        **output,  # type: ignore[call-overload]
    )
    stack.callback(end, process)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _servers(addresses: dict[str, str]) -> list[Part]:
    with psycopg.connect(addresses["DATABASE_URL"]) as database:
        postmaster = psutil.Process(database.info.backend_pid).parent()
    assert postmaster
    with redis.Redis.from_url(addresses["REDIS_URL"]) as client:
        valkey = int(client.info("server")["process_id"])
    return [Part("PostgreSQL", postmaster), Part("Valkey", psutil.Process(valkey))]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5)
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The web process does not answer.")
