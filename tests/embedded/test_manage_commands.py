"""Commands bring up the servers they need, and none where they need none."""

import re
import subprocess
from pathlib import Path

from chatbot_project.embedded.postgres import Postgres
from chatbot_project.embedded.services import running
from chatbot_project.embedded.valkey import Valkey
from tests.commands import Manage

KEY = r"cb_live_[0-9A-Za-z]{38}\n"


def made(data_dir: Path) -> set[str]:
    return {path.name for path in data_dir.iterdir()}


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_check_starts_nothing(manage: Manage, data_dir: Path) -> None:
    succeeded(manage("check"))
    succeeded(manage("migrate", "--help"))
    assert made(data_dir) <= {"secret-key", "postgres-password"}


def test_help_names_run_and_createapikey(manage: Manage) -> None:
    text = succeeded(manage("help"))
    assert {"run", "createapikey"} <= {*text.split()}


def test_a_key_is_made_with_the_stack_at_rest_and_running(manage: Manage, data_dir: Path) -> None:
    succeeded(manage("migrate", "-v", "0"))
    at_rest = succeeded(manage("createapikey", "dev@example.com"))
    assert not Postgres(data_dir).is_running()
    with running(["postgres", "valkey"], data_dir):
        meanwhile = succeeded(manage("createapikey", "dev@example.com"))
        assert Postgres(data_dir).is_running()
        assert Valkey(data_dir).is_running()
    assert at_rest != meanwhile
    assert all(re.fullmatch(KEY, text) for text in (at_rest, meanwhile))


def test_models_and_migrations_agree(manage: Manage) -> None:
    assert "No changes detected" in succeeded(manage("makemigrations", "--check", "--dry-run"))
