"""Commands bring up the servers they need, and none where they need none."""

import re
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

from chatbot_project.embedded.commandline import servers_for
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
    assert made(data_dir) <= {"secret-key", "postgres-password"}


@pytest.mark.parametrize("line", ["", "help", "migrate --help", "--version", "run"])
def test_what_reads_no_data_needs_no_server(line: str) -> None:
    assert servers_for(line.split()) == []


def test_the_model_is_for_the_stack_alone() -> None:
    assert servers_for(["createapikey", "dev@example.com"]) == ["postgres", "valkey"]


def test_our_commands_are_there() -> None:
    assert {"run", "release", "createapikey"} <= {*get_commands()}


def test_a_key_is_made_with_the_stack_at_rest_and_running(manage: Manage, data_dir: Path) -> None:
    """Also where nothing has been started yet."""
    at_rest = succeeded(manage("createapikey", "dev@example.com"))
    assert not Postgres(data_dir).is_running()
    with running(["postgres", "valkey"], data_dir):
        meanwhile = succeeded(manage("createapikey", "dev@example.com"))
        assert Postgres(data_dir).is_running()
        assert Valkey(data_dir).is_running()
    assert at_rest != meanwhile
    assert all(re.fullmatch(KEY, text) for text in (at_rest, meanwhile))


def test_a_release_leaves_somebody_who_can_sign_in(manage: Manage, data_dir: Path) -> None:
    with running(["postgres", "valkey"], data_dir):
        # With a model of their own, people's first question needs no help articles.
        first = succeeded(manage("release", OPENAI_API_KEY="given"))
        second = succeeded(manage("release", OPENAI_API_KEY="given"))
    assert re.search(r"sign in +admin@localhost +\S{12,}", first)
    assert re.search(KEY, first)
    assert second == "The database is up to date.\n"


def test_models_and_migrations_agree(db: None) -> None:
    told = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=told)
    assert "No changes detected" in told.getvalue()
