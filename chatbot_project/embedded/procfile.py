"""Running the Procfile's processes, honcho's way, and none of them longer than ourselves."""

import contextlib
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType

from honcho.colour import get_colours
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

from chatbot_project.embedded.processes import die_with_parent, wait_until

RELEASE = "release"  # what a platform runs once a deployment; done before we come here
FIRST = "web"
HEAD_START_SECONDS = 10.0
NEVER = float("inf")
WATCH_SECONDS = 1.0
STOP_SECONDS = 5.0  # from asking to insisting: what the web process may take and a little more
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ProcfileRunner:
    """Runs all processes until a signal, or until one of them or the database ends; then stops
    every one.

    honcho's own manager runs each in a further Python process, which costs memory, and a signal
    in its first moments leaves it hanging. Its parts are used here under one loop.
    """

    def __init__(
        self, path: Path, web_answers: threading.Event, missing: Callable[[], str] = str
    ) -> None:
        """`missing()`, asked every second, names a server without which all of them are useless, or
        says ""."""
        self._web_answers = web_answers
        self._missing = missing
        self._events: SimpleQueue[Message] = SimpleQueue()
        self._printer = Printer(sys.stdout)
        self._pids: dict[str, int] = {}
        self._asked: set[int] = set()
        self._status = 0
        self._stop_wanted = False
        self._insist_at = NEVER
        commands = parse_procfile(path.read_text()).processes
        commands.pop(RELEASE, None)
        self._processes = [
            leashed(name, command, colour, path.parent)
            for (name, command), colour in zip(commands.items(), get_colours(), strict=False)
        ]
        self._printer.width = max(map(len, commands))

    def run(self) -> int:
        """The exit status: 0 after a signal, that of the process that ended by itself otherwise."""
        for signum in SIGNALS:
            signal.signal(signum, self._want_stop)
        threads = [
            threading.Thread(target=self._run, args=(process,)) for process in self._processes
        ]
        for thread in [*threads, threading.Thread(target=self._watch, daemon=True)]:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads) or not self._events.empty():
                self._handle_next_event()
                if self._stop_wanted:
                    self._stop_all()
        finally:  # also when our output has nowhere to go any more
            self._end_all(signal.SIGKILL)
        return self._status

    def _run(self, process: Process) -> None:
        """In a thread each. The web has the machine to itself until it answers: people wait."""
        if process.name != FIRST:
            wait_until(lambda: self._web_answers.is_set() or self._stop_wanted, HEAD_START_SECONDS)
        if not self._stop_wanted:
            process.run(self._events)

    def _watch(self) -> None:
        """In a thread. Without that server the web would only say that it cannot answer."""
        name = ""
        while not name and not self._stop_wanted:
            time.sleep(WATCH_SECONDS)
            with contextlib.suppress(OSError):  # no descriptor to look with: the next look may have
                name = self._missing()
        if not self._stop_wanted:
            self._status, self._stop_wanted = 1, True
            print(f"{name} has ended.", flush=True)  # noqa: T201

    def _want_stop(self, signum: int, frame: FrameType | None) -> None:
        """In Python 3.11, a `get` with a timeout that a signal interrupts just as it runs out waits
        for ever: whoever waits gets something."""
        self._stop_wanted = True
        self._events.put(Message("signal", signum, None, "", None))

    def _handle_next_event(self) -> None:
        try:
            event = self._events.get(timeout=0.1)
        except Empty:
            return
        if event.type == "line":
            self._printer.write(event)
        elif event.type == "start":
            self._pids[event.name] = event.data["pid"]
        elif event.type == "stop":
            self._note_end(event.name, event.data["returncode"])

    def _note_end(self, name: str, returncode: int) -> None:
        pid = self._pids.pop(name)
        signal_group(pid, signal.SIGKILL)  # what it has left behind
        if not self._stop_wanted:
            self._stop_wanted = True
            self._status = returncode if returncode > 0 else 1
            print(f"{name} ended (status {returncode}).", flush=True)  # noqa: T201

    def _stop_all(self) -> None:
        if self._insist_at == NEVER:
            self._insist_at = time.monotonic() + STOP_SECONDS
            print("Stopping everything ...", flush=True)  # noqa: T201
        for pid in {*self._pids.values()} - self._asked:
            self._asked.add(pid)
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(pid, signal.SIGTERM)
        if time.monotonic() > self._insist_at:
            self._end_all(signal.SIGKILL)

    def _end_all(self, signum: signal.Signals) -> None:
        for pid in self._pids.values():
            signal_group(pid, signum)


def leashed(name: str, command: str, colour: str, folder: Path) -> Process:
    """The process, without a shell in between, killed by the system if we are."""
    process = Process(
        f"exec {command}", name=name, colour=colour, env=environment(), cwd=str(folder)
    )
    process._child_ctor = functools.partial(Popen, preexec_fn=die_with_parent)
    return process


def environment() -> dict[str, str]:
    """Ours, with this Python first on the path, and logs for whoever reads our output."""
    ours = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),  # many threads, little memory
        "LOG_FORMAT": os.environ.get("LOG_FORMAT") or ("text" if sys.stdout.isatty() else "auto"),
    }
    return os.environ | ours


def signal_group(pid: int, signum: signal.Signals) -> None:
    """To the process and all that it started and left in its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signum)
