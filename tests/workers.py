"""The Procfile's worker, in a process of its own."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from honcho.environ import parse_procfile

from tests.servers import PROJECT


def command(name: str) -> list[str]:
    """The Procfile's line of this name, for the Python of the tests."""
    line = parse_procfile((PROJECT / "Procfile").read_text()).processes[name]
    return [sys.executable, *shlex.split(line)[1:]]


@contextmanager
def worker(environment: dict[str, str], output: Any = None) -> Iterator[None]:
    """Works until the end of the block, and then ends by itself. `output`: as Popen takes it."""
    process = subprocess.Popen(
        command("worker"),
        cwd=PROJECT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
