"""The line to paste makes its key in the database of this run, and no more keys than it must."""

import os
import subprocess
from pathlib import Path

import pytest
from django.conf import LazySettings

from chatbot_project.embedded.services import running
from chatbot_project.embedded.welcome import key_command, text
from tests.commands import Manage


@pytest.fixture
def nothing_external(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> LazySettings:
    for name in ("ENV_FILE", "CHATBOT_DATA_DIR"):
        monkeypatch.delenv(name)
    settings.DATABASE_URL = ""
    return settings


def test_the_settings_file_is_carried(
    nothing_external: LazySettings,
    manage: Manage,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file alone says where the data is; the other terminal knows nothing of it."""
    file = tmp_path / "settings.env"
    file.write_text(f"CHATBOT_DATA_DIR={data_dir}\n")
    nothing_external.ENV_FILE = file
    monkeypatch.setenv("ENV_FILE", str(file))
    with running(["postgres"], data_dir):
        assert manage("migrate", "-v", "0").returncode == 0
        terminal = {"PATH": os.environ["PATH"]}
        done = subprocess.run(
            ["/bin/sh", "-c", key_command()],
            env=terminal,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.startswith("cb_live_")


def test_a_terminal_makes_one_key(
    nothing_external: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pasted twice; curl and our command stand in as scripts that note their calls."""
    calls = tmp_path / "calls"
    for name in ("curl", "python"):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\necho {name} "$*" >> {calls}\necho secret\n')
        script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    line = next(line for line in text(None).splitlines() if line.strip().startswith("curl "))
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["/bin/sh", "-c", f"{line}\n{line}"], env={"PATH": path}, check=True)
    assert [each.split()[0] for each in calls.read_text().splitlines()] == [
        "python",
        "curl",
        "curl",
    ]
    assert "Bearer secret" in calls.read_text()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("::1", "'http://[::1]:8323/api/chat'"),
        ("::", "http://127.0.0.1:8323/api/chat"),
        ("192.0.2.7", "http://192.0.2.7:8323/api/chat"),
    ],
)
def test_the_line_reaches_any_host(host: str, url: str, nothing_external: LazySettings) -> None:
    nothing_external.HOST, nothing_external.PORT = host, 8323
    assert f"curl -s {url} " in text(None)


def test_a_database_elsewhere_is_asked_for_and_not_shown(nothing_external: LazySettings) -> None:
    nothing_external.DATABASE_URL = "postgres://me:hunter2@db.example.com/x"
    shown = text(None)
    assert "hunter2" not in shown
    assert '"Authorization: Bearer $CHATBOT_API_KEY"' in shown
    assert "$(" not in shown
    assert "DATABASE_URL" in shown
    assert key_command() in shown
