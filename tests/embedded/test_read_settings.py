"""A bad setting ends every process with one line that names it."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from chatbot_project.environment import BadSetting, Environment, database_config
from tests.servers import PROJECT

env = Environment()
Read = Callable[..., dict[str, Any]]
PROCESSES = {
    "manage": ["manage.py", "check"],
    "web": ["-m", "chatbot_project.server"],
    "worker": ["-m", "celery", "-A", "chatbot_project", "worker"],
}


@pytest.fixture
def read(plain_environment: dict[str, str]) -> Read:
    """`read(PORT="1")`: the settings of a shell that says so. Raises BadSetting."""

    def run(**variables: str) -> dict[str, Any]:
        with mock.patch.dict(os.environ, plain_environment | variables, clear=True):
            return runpy.run_path(str(PROJECT / "chatbot_project" / "settings.py"))

    return run


def complaint(read: Read, **variables: str) -> str:
    with pytest.raises(BadSetting) as caught:
        read(**variables)
    return str(caught.value)


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_ends_with_one_line(process: str, plain_environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, *PROCESSES[process]],
        cwd=PROJECT,
        env=plain_environment | {"PORT": "eighty"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (done.stdout + done.stderr) == "Setting PORT: 'eighty' is not a whole number.\n"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("DEBUG", "maybe"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "postgres://"),
        ("REDIS_URL", "localhost:6379"),
        ("PUBLIC_URL", "example.com"),
        ("OPENAI_BASE_URL", "http://host:port/v1"),
        ("DATABASE_POOL_SIZE", "0"),
        ("WEBHOOK_ALLOWED_HOSTS", "localhost"),
        ("WEBHOOK_ALLOWED_HOSTS", "localhost:80, localhost:99999"),
        ("LOG_LEVEL", "LOUD"),
        ("SECRET_KEY", "secret"),
        ("CHATBOT_DATA_DIR", "/dev/null/x"),
        ("ENV_FILE", "/nowhere/settings.env"),
    ],
)
def test_the_line_names_the_setting(variable: str, value: str, read: Read) -> None:
    line = complaint(read, **{variable: value})
    assert line.startswith(f"Setting {variable}: ")
    assert "\n" not in line


def test_a_database_elsewhere_wants_a_key_that_all_machines_share(read: Read) -> None:
    line = complaint(read, DATABASE_URL="postgres://db.example.com/x")
    assert line.startswith("Setting SECRET_KEY: ")


EVERYTHING = {
    "CHATBOT_DATA_DIR": "/dev/null/x",
    "DATABASE_URL": "postgres://db.example.com/x",
    "REDIS_URL": "redis://redis.example.com",
    "OPENAI_API_KEY": "given",
    "SECRET_KEY": "s" * 50,
}


@pytest.mark.parametrize("missing", ["", "REDIS_URL", "OPENAI_API_KEY"])
def test_a_data_folder_that_nothing_needs_is_not_touched(missing: str, read: Read) -> None:
    """Valkey and the model need it too, once they run."""
    assert read(**EVERYTHING | {missing or "SITE_NAME": ""})


@pytest.mark.parametrize("missing", ["DATABASE_URL", "SECRET_KEY"])
def test_a_data_folder_that_is_needed_must_be_writable(missing: str, read: Read) -> None:
    assert complaint(read, **EVERYTHING | {missing: ""})


def test_the_default_model_is_one_of_those_offered(read: Read) -> None:
    line = complaint(read, CHAT_MODELS="fast=small,good=large", CHAT_DEFAULT_MODEL="small")
    assert line == "Setting CHAT_DEFAULT_MODEL: 'small' is not one of fast, good, extractive."
    assert read(CHAT_MODELS="fast=small", CHAT_DEFAULT_MODEL="")


def test_a_secret_in_an_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_URL", "mysql://me:hunter2@localhost/x")
    with pytest.raises(BadSetting) as caught:
        env.url("SOME_URL")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgres://u:top%zzsecret@localhost/x",
        "postgres://u:top@secret@localhost/x",
        "postgres://u:1?secret@localhost/x",
        "postgres://u:secret@localhost/x?bogus=secret",
    ],
)
def test_a_database_address_that_cannot_be_read_is_not_shown(address: str) -> None:
    with pytest.raises(BadSetting) as caught:
        database_config(address, {})
    line = str(caught.value)
    assert line.startswith("Setting DATABASE_URL: ")
    assert "secret" not in line
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "address",
    ["postgres://u:a%40b%2Bc+d@h/x", "postgres://u@h/x?password=p"],
)
def test_a_database_address_may_be_written_in_many_ways(address: str) -> None:
    assert database_config(address, {})["NAME"] == "x"


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("On", True), ("0", False), ("", True)])
def test_truth_has_many_names(text: str, value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SWITCH", text)
    assert env.bool("SOME_SWITCH", True) is value


def test_an_empty_value_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_NUMBER", "")
    assert env.int("SOME_NUMBER", 7) == 7


def test_a_list_is_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_LIST", " a, b,,c ")
    assert env.list("SOME_LIST") == ["a", "b", "c"]


def test_the_environment_wins_over_the_file(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("SITE_NAME=From the file\nPORT=8123\n")
    settings = read(ENV_FILE=str(file), PORT="8124")
    assert (settings["SITE_NAME"], settings["PORT"]) == ("From the file", 8124)


def test_a_database_address_keeps_its_options_and_its_socket() -> None:
    config = database_config("postgres://me:a%2Fb@%2Frun%2Fpg/x?sslmode=require", {"pool": True})
    assert (config["HOST"], config["PASSWORD"], config["NAME"]) == ("/run/pg", "a/b", "x")
    assert config["OPTIONS"] == {"sslmode": "require", "pool": True}
