"""The first admin's password and key are shown, whatever ends the first start."""

import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from tests.servers import PROJECT
from tests.waiting import wait_until


def is_indexing(process: subprocess.Popen[str]) -> bool:
    """The longest step of a first start is under way: the admin is in the database by then."""
    assert process.poll() is None
    with suppress(psutil.Error):
        children = psutil.Process(process.pid).children()
        return any("index_help" in child.cmdline() for child in children)
    return False


@pytest.mark.parametrize(
    ("command", "signum"), [("run", signal.SIGINT), ("release", signal.SIGTERM)]
)
def test_an_interrupted_start_shows_them(
    command: str, signum: signal.Signals, plain_environment: dict[str, str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "manage.py", command],
        cwd=PROJECT,
        env=plain_environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until(lambda: is_indexing(process), "the help articles", limit=90)
        process.send_signal(signum)
        output, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "sign in     admin@localhost  " in output
    assert "cb_live_" in output
