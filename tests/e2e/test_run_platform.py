"""The whole platform, started as `make run` starts it, and the embedded model asked a question."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.servers import PROJECT, free_port
from tests.waiting import wait_until

START_SECONDS = 90
STOP_SECONDS = 10
MEMORY = 1_200_000_000  # bytes
SENTENCE = "Whoever reads this finds a sentence of some length that says very little. "
END_OF_WELCOME = "Ctrl-C stops everything."
Environment = dict[str, str]


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Platform:
    """One start of everything, on the data folder and port of its environment."""

    def __init__(self, environment: Environment, log: Path) -> None:
        self.url = f"http://127.0.0.1:{environment['PORT']}"
        self._log = log
        self._began = time.monotonic()
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def welcome(self) -> str:
        """What it printed, once it has said where everything is."""
        wait_until(self._has_welcomed, "the platform to answer", limit=START_SECONDS)
        return self._log.read_text()

    def output(self) -> str:
        return self._log.read_text()

    def process_of(self, script: str) -> psutil.Process:
        """The one process that was started with this script."""
        [found] = [
            each
            for each in self.processes()
            if is_alive(each)
            and any(argument.split(" ")[0].endswith(script) for argument in each.cmdline())
        ]
        return found

    def memory(self) -> int:
        """Bytes of all processes; what several share counts once, where the system tells."""
        found = 0
        for each in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):  # one for a file, or a connection
                found += each.memory_full_info().pss
        return found

    def _has_welcomed(self) -> bool:
        text = self._log.read_text()
        assert self.process.poll() is None, text
        return END_OF_WELCOME in text

    def is_whole(self) -> bool:
        return bool(httpx2.get(f"{self.url}/readyz", timeout=30).json()["status"] == "ok")

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def processes(self) -> list[psutil.Process]:
        return [self.process_itself(), *self.process_itself().children(recursive=True)]

    def process_itself(self) -> psutil.Process:
        return psutil.Process(self.process.pid)

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> None:
        """Fails the test if anything it started is left after ten seconds."""
        found = self.processes()
        self.process.send_signal(signum)
        status = self.process.wait(timeout=STOP_SECONDS)
        assert status == 0, self._log.read_text()
        wait_until(lambda: not any(is_alive(each) for each in found), "all of them to end", limit=1)


Start = Callable[[Environment], Platform]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(environment)`; whatever is left of it afterwards is killed."""
    started: list[Platform] = []

    def run(environment: Environment) -> Platform:
        started.append(Platform(environment, tmp_path / f"start-{len(started)}.log"))
        return started[-1]

    yield run
    for platform in started:
        if platform.process.poll() is None:
            for process in platform.processes():
                process.kill()
            platform.process.wait()


def first_key(welcome: str) -> str:
    found = re.search(r"cb_live_\w{38}", welcome)
    assert found, welcome
    return found[0]


def paste(welcome: str) -> dict[str, object]:
    """What the printed curl line answers when pasted into another terminal."""
    terminal = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    line = next(line for line in welcome.splitlines() if line.strip().startswith("curl "))
    done = subprocess.run(
        ["/bin/sh", "-c", line], env=terminal, capture_output=True, text=True, check=True
    )
    answer: dict[str, object] = json.loads(done.stdout)
    assert "error" not in answer, answer
    return answer


def ask_streamed(platform: Platform, key: str) -> list[dict[str, str]]:
    question = {"message": "Say hello.", "stream": True, "max_tokens": 24}
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.stream(
        "POST", f"{platform.url}/api/chat", json=question, headers=headers, timeout=60
    ) as response:
        assert response.status_code == 200
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def chats(platform: Platform, key: str) -> httpx2.Response:
    return httpx2.get(
        f"{platform.url}/api/chat", headers={"Authorization": f"Bearer {key}"}, timeout=30
    )


def most_memory_while_indexing(platform: Platform, key: str) -> int:
    """Two files and four documents at once, all of them with several batches to embed."""
    text = "\n\n".join(f"Passage {number}. " + SENTENCE * 12 for number in range(12))
    most = [platform.memory()]
    with httpx2.Client(
        base_url=f"{platform.url}/api", headers={"Authorization": f"Bearer {key}"}, timeout=60
    ) as client:
        for number in range(4):
            document = {"title": f"Part {number}", "content": text, "type": "text"}
            client.post("/documents", json=document | {"knowledge": True}).raise_for_status()
        for number in range(2):
            upload = {"file": (f"part-{number}.txt", f"{number} {text}".encode())}
            client.post("/files/upload", files=upload).raise_for_status()

        def is_found() -> bool:
            most.append(platform.memory())
            found = client.get("/knowledge", params={"search": "Part"}).json()
            return bool(found["total"] >= 6)

        wait_until(is_found, "all of it to be indexed", limit=120)
    return max(most)


def test_it_answers_and_comes_back_with_its_data(
    start: Start, plain_environment: Environment
) -> None:
    first = start(plain_environment)
    welcome = first.welcome()
    key = first_key(welcome)
    assert re.search(r"sign in +admin@localhost +\S{12,}", welcome)

    answer = paste(welcome)
    assert answer["status"] == "completed", answer
    assert "500 requests per minute. [1]" in str(answer["message"])
    assert answer["sources"]
    events = ask_streamed(first, key)
    assert [event["type"] for event in (events[0], events[-1])] == ["start", "done"]
    assert "".join(event["content"] for event in events if event["type"] == "text")
    memory = most_memory_while_indexing(first, key)
    sys.stdout.write(f"memory: {memory / 1e6:.0f} MB\n")
    assert memory < MEMORY
    first.stop()

    second = start(plain_environment)
    later_welcome = second.welcome()
    sys.stdout.write(f"second start: {second.seconds():.1f} s\n")
    assert "cb_live_" not in later_welcome
    assert "sign in" not in later_welcome
    assert paste(later_welcome)["status"] == "completed"
    assert chats(second, key).json()["total"] == 3
    second.stop(signal.SIGINT)


def test_it_starts_again_after_a_kill(start: Start, plain_environment: Environment) -> None:
    first = start(plain_environment)
    key = first_key(first.welcome())
    everything = first.processes()

    first.process.kill()  # the servers stay, the others follow it
    first.process.wait()
    second = start(plain_environment)
    second.welcome()
    assert chats(second, key).status_code == 200

    for process in {*everything, *second.processes()}:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    second.process.wait()
    third = start(plain_environment)
    third.welcome()
    assert chats(third, key).status_code == 200

    for script in ("valkey-server", "model_process.py"):
        third.process_of(script).kill()
    assert paste(first.output())["status"] == "completed"
    for title in ("Valkey", "The language model"):
        said = f"{title} has ended: starting it again."
        wait_until(lambda said=said: said in third.output(), said, limit=30)  # type: ignore[misc]
    wait_until(third.is_whole, "all of it to be ready", limit=60)
    events = ask_streamed(third, key)
    assert [event["type"] for event in (events[0], events[-1])] == ["start", "done"]

    third.process_of("/postgres").kill()
    assert third.process.wait(timeout=30) == 1
    assert "PostgreSQL has ended." in third.output()


def test_two_copies_do_not_disturb_each_other(
    start: Start, plain_environment: Environment, other_data_dir: Path
) -> None:
    there = plain_environment | {
        "CHATBOT_DATA_DIR": str(other_data_dir),
        "PORT": str(free_port()),
    }
    one, other = start(plain_environment), start(there)
    key = first_key(one.welcome())
    other_key = first_key(other.welcome())
    assert [chats(one, each).status_code for each in (key, other_key)] == [200, 401]
    assert [chats(other, each).status_code for each in (key, other_key)] == [401, 200]
    one.stop()
    assert chats(other, other_key).status_code == 200
    other.stop()


def test_make_run_starts_the_same() -> None:
    """Also where make itself runs these tests, and would have its say here."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = ["make", "--dry-run", "--no-print-directory", "run"]
    recipe = subprocess.check_output(command, cwd=PROJECT, env=environment, text=True)
    assert recipe.splitlines()[-1] == "exec .venv/bin/python manage.py run"
