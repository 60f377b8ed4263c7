"""Starting, watching and ending processes that may outlive the one that started them."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# Looked up here: a new process of a program with threads must not load libraries.
PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
POLL_SECONDS = 0.01


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true within this time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_alive(pid: int) -> bool:
    """Whether this process runs. One of our own children that has ended is collected here."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # somebody else's child
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def command_of(pid: int) -> list[str]:
    """The command line of a process, [] if there is none or the system does not tell."""
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).rstrip("\0").split("\0")
    except OSError:
        return []


def works_on(pid: int, path: Path) -> bool:
    """Whether the process was given this file or folder, by whatever name (links, mounts).

    True where the system does not tell.
    """
    command = command_of(pid)
    return not command or any(_is_same(argument, path) for argument in command[1:])


def end(pid: int, gentle: signal.Signals, seconds: float) -> None:
    """Ask the process to end; after this time, make it."""
    for request in (gentle, signal.SIGKILL):
        try:
            os.kill(pid, request)
        except ProcessLookupError:
            return
        if wait_until(lambda: not is_alive(pid), seconds):
            return


def die_with_parent() -> None:
    """For preexec_fn: where the system can, have this process killed when its parent dies."""
    if PRCTL is not None:
        PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL)


def _is_same(argument: str, path: Path) -> bool:
    try:
        return argument.startswith("/") and Path(argument).samefile(path)
    except OSError:
        return False


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
