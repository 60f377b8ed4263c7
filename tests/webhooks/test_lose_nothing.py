"""Workers, beat, Valkey and PostgreSQL are killed at random: what was committed arrives.

Everything runs on servers of the test's own, durable ones, in processes of their own.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from chatbot_project.embedded.addresses import embedded_addresses
from chatbot_project.embedded.postgres import Postgres
from chatbot_project.embedded.services import running
from chatbot_project.embedded.valkey import Valkey
from tests.servers import PROJECT
from tests.waiting import PAUSE, wait_until
from tests.webhooks.receivers import Receiver, late, receiver
from tests.workers import command

EVENTS = 2_000
SEED = 20250106
SERVERS = ["PostgreSQL", "Valkey"]
ANSWER_SECONDS = 0.06  # so that there is always something on its way when a worker is killed
BETWEEN_KILLS = (0.1, 0.6)  # seconds
ARRIVES_WITHIN = 60  # seconds after the last kill
COMMANDS = {
    "worker 1": [*command("worker"), "-n", "one@%h"],
    "worker 2": [*command("worker"), "-n", "two@%h"],
    "beat": command("beat"),
}
PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from accounts.models import User
from webhooks.services import create_endpoint
user = User.objects.create_user("loss@test.example")
create_endpoint(user, url="{url}", events=["*"], secret="your_webhook_secret")
print(user.pk)
"""


class Stack:
    """The platform's parts without its web process, each of which may be killed."""

    def __init__(self, folder: Path, hook: Receiver, stack: ExitStack) -> None:
        self.folder = folder
        self.addresses = embedded_addresses(folder)
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "DJANGO_SETTINGS_MODULE": "chatbot_project.settings",
            "CHATBOT_DATA_DIR": str(folder),
            "ENV_FILE": os.devnull,
            "WEBHOOK_ALLOWED_HOSTS": hook.host,
            "WEBHOOK_TIMEOUT": "1",  # leases are short then
        }
        self._log = stack.enter_context((folder / "processes.log").open("ab"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(self.end)

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def start(self, name: str) -> None:
        self._processes[name] = subprocess.Popen(
            COMMANDS[name],
            cwd=PROJECT,
            env=self.environment,
            stdout=self._log,
            stderr=self._log,
        )

    def kill_and_restart(self, name: str) -> None:
        if name == "PostgreSQL":
            pid = int((Postgres(self.folder).home.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not psutil.pid_exists(pid) or is_zombie(pid), "its end")
            Postgres(self.folder).start()
        elif name == "Valkey":
            with redis.Redis.from_url(self.addresses["REDIS_URL"]) as client:
                pid = int(client.info("server")["process_id"])
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not Valkey(self.folder).is_running(), "its end")
            Valkey(self.folder).start()
        else:
            kill_tree(self._processes[name])
            self.start(name)

    def end(self) -> None:
        for process in self._processes.values():
            kill_tree(process)


def is_zombie(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def kill_tree(process: "subprocess.Popen[bytes]") -> None:
    """kill -9, its children too."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as server:
        server.behaviour = late(ANSWER_SECONDS)
        yield server


@pytest.fixture
def stack(data_dir: Path, hook: Receiver) -> Iterator[Stack]:
    with ExitStack() as closing, running(["postgres", "valkey"], data_dir):
        yield Stack(data_dir, hook, closing)


def test_nothing_is_lost(stack: Stack, hook: Receiver) -> None:
    owner = stack.manage("shell", "--no-imports", "-c", PREPARE.format(url=hook.url))
    for name in COMMANDS:
        stack.start(name)
    told = stack.folder / "emitted"  # a pipe that nobody reads yet would hold the emitter up
    with told.open("wb") as output:
        emitter = subprocess.Popen(
            [sys.executable, "-m", "tests.webhooks.emitter", owner, str(EVENTS)],
            cwd=PROJECT,
            env=stack.environment,
            stdout=output,
        )
    killed = kill_at_random(stack, hook)
    assert emitter.wait(timeout=90) == 0
    said = told.read_text().split()
    words = list(zip(said[::2], said[1::2], strict=True))
    committed = {mark for what, mark in words if what == "committed"}
    rolled_back = {mark for what, mark in words if what == "rolled-back"}
    assert (len(committed), len(rolled_back) > EVENTS / 10) == (EVENTS, True)
    wait_until(lambda: committed <= arrived(hook).keys(), "all to arrive", ARRIVES_WITHIN)
    wait_until(lambda: waiting(stack) == 0, "all to be recorded", ARRIVES_WITHIN)
    counts = arrived(hook)
    assert counts.keys() == stored(stack)
    assert not counts.keys() & rolled_back
    twice = sum(1 for count in counts.values() if count > 1)
    print(f"\n{len(counts)} events, {twice} came more than once; killed: {killed}")  # noqa: T201


def kill_at_random(stack: Stack, hook: Receiver) -> dict[str, int]:
    """Each part; workers while deliveries are under way. What was killed, and how often."""
    chance = random.Random(SEED)
    killed = [*COMMANDS, *SERVERS * 2]
    chance.shuffle(killed)
    for name in killed:
        PAUSE.wait(chance.uniform(*BETWEEN_KILLS))
        if name.startswith("worker"):
            before = len(hook.received)
            hook.wait_for(before + 1, ARRIVES_WITHIN)
        stack.kill_and_restart(name)
    return dict(Counter(killed))


def arrived(hook: Receiver) -> Counter[str]:
    return Counter(request.json["data"]["message_id"] for request in list(hook.received))


def stored(stack: Stack) -> set[str]:
    """What the database says has happened, commits included whose answer was lost."""
    query = "SELECT body::json->'data'->>'message_id' FROM webhooks_event"
    with psycopg.connect(stack.addresses["DATABASE_URL"]) as database:
        return {row[0] for row in database.execute(query)}


def waiting(stack: Stack) -> int:
    query = "SELECT count(*) FROM webhooks_delivery WHERE status <> 'succeeded'"
    with psycopg.connect(stack.addresses["DATABASE_URL"]) as database:
        row = database.execute(query).fetchone()
        return int(row[0]) if row else 0
