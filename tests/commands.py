"""Our commands, run as a person would, on a data folder of the test's own. A plugin."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import PROJECT, free_port


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that anybody may enter: pytest's own are closed to the user PostgreSQL runs as."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def other_data_dir() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@contextmanager
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="chatbot-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def plain_environment(data_dir: Path) -> dict[str, str]:
    """What a shell has, and nothing that this test session has set."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "ENV_FILE": os.devnull,
        "CHATBOT_DATA_DIR": str(data_dir),
        "PORT": str(free_port()),
    }


Manage = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def manage(plain_environment: dict[str, str]) -> Manage:
    """`manage("check", PORT="1")` runs manage.py to its end; keywords are its environment."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=plain_environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    return run
