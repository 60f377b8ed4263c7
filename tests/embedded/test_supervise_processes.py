"""The Procfile's processes: all end when one does, when we are asked to, and when we are killed."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from chatbot_project.embedded import language_model, postgres, procfile, valkey
from chatbot_project.embedded.procfile import ProcfileRunner
from tests.servers import PROJECT
from tests.waiting import wait_until

RUNNER = """
    import sys, threading
    from pathlib import Path
    from chatbot_project.embedded.procfile import ProcfileRunner
    answers = threading.Event()
    answers.set()
    missing = lambda: Path(sys.argv[1]).with_name("missing").read_text()
    sys.exit(ProcfileRunner(Path(sys.argv[1]), answers, missing).run())
"""
SLEEPS = f"{sys.executable} -c 'import signal; signal.pause()'"
STUBBORN = (
    f"{sys.executable} -uc 'import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    ' print("ready"); [signal.pause() for _ in iter(int, 1)]\''
)
Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(procfile)`: a process that runs it, with all its descendants ended afterwards."""
    started: list[subprocess.Popen[str]] = []

    def run(procfile: str) -> subprocess.Popen[str]:
        (tmp_path / "Procfile").write_text(procfile)
        (tmp_path / "missing").touch()
        command = [sys.executable, "-c", textwrap.dedent(RUNNER), str(tmp_path / "Procfile")]
        started.append(subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield run
    for process in started:
        for child in children(process):
            child.kill()
        process.kill()
        process.communicate()


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def wait_for_children(process: subprocess.Popen[str], number: int) -> list[psutil.Process]:
    wait_until(lambda: len(children(process)) == number, "the processes")
    return children(process)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_with_success(signum: signal.Signals, start: Start) -> None:
    process = start(f"web: {SLEEPS}\nworker: {SLEEPS}\n")
    found = wait_for_children(process, 2)
    os.kill(process.pid, signum)
    assert process.wait(timeout=4) == 0
    assert not any(child.is_running() for child in found)


def test_the_end_of_one_ends_all_with_its_status(start: Start) -> None:
    process = start(f"web: {SLEEPS}\nworker: {sys.executable} -c 'raise SystemExit(7)'\n")
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 7
    assert "worker ended (status 7).\nStopping everything" in output


def test_the_end_of_a_server_ends_all(start: Start, tmp_path: Path) -> None:
    process = start(f"web: {SLEEPS}\n")
    found = wait_for_children(process, 1)
    (tmp_path / "missing").write_text("PostgreSQL")
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "PostgreSQL has ended.\nStopping everything" in output
    assert not any(child.is_running() for child in found)


def test_one_that_will_not_end_is_killed(start: Start) -> None:
    process = start(f"web: {STUBBORN}\nbeat: {SLEEPS}\n")
    found = wait_for_children(process, 2)
    assert process.stdout and "ready" in process.stdout.readline()
    process.terminate()
    assert process.wait(timeout=9) == 0
    assert not any(child.is_running() for child in found)


def test_one_that_has_just_ended_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: true\n")
    runner = ProcfileRunner(tmp_path / "Procfile", threading.Event())
    with subprocess.Popen(["true"]) as ended:
        pass
    runner._pids["web"] = ended.pid
    runner._stop_all()


def test_a_signal_wakes_whoever_waits_for_events(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: true\n")
    runner = ProcfileRunner(tmp_path / "Procfile", threading.Event())
    for signum in procfile.SIGNALS:
        runner._want_stop(signum, None)
        assert not runner._events.empty()
        runner._handle_next_event()
    assert runner._events.empty()


def test_the_end_takes_less_than_ten_seconds_at_worst() -> None:
    """First the processes, then the servers side by side; whatever is late is killed."""
    constants = "server.GRACE + server.LAST + server.shutdown.LIMIT"
    environment = dict(os.environ)
    del environment["DJANGO_SETTINGS_MODULE"]  # as where somebody runs the Procfile's line
    web = subprocess.check_output(
        [sys.executable, "-c", f"from chatbot_project import server; print({constants})"],
        cwd=PROJECT,
        env=environment,
    )
    assert float(web) < procfile.STOP_SECONDS
    servers = max(each.STOP_SECONDS for each in (postgres, valkey, language_model))
    assert procfile.STOP_SECONDS + servers < 9


def test_none_outlives_a_killed_runner(start: Start) -> None:
    process = start(f"web: {SLEEPS}\nworker: {SLEEPS}\n")
    found = wait_for_children(process, 2)
    process.kill()
    wait_until(lambda: not any(is_alive(child) for child in found), "the processes to end")


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_the_release_line_is_left_to_others(start: Start) -> None:
    process = start(f"release: {SLEEPS}\nweb: {sys.executable} -c 'print(\"once\")'\n")
    output, _ = process.communicate(timeout=10)
    assert "once" in output
    assert process.returncode == 1
