"""What stops a start is said in one clear line, with an exit status that is not 0."""

import fcntl
import socket
import subprocess
from pathlib import Path

import psycopg
import pytest

from chatbot_project.embedded.addresses import embedded_addresses, postgres_socket_dir
from chatbot_project.embedded.services import running
from tests.commands import Manage


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_port_in_use(manage: Manage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = manage("run", PORT=str(port))
    assert last_line(done) == f"Port {port} is in use: choose another one with PORT.\n"


def test_an_address_that_is_not_ours(manage: Manage) -> None:
    assert "HOST" in last_line(manage("run", HOST="192.0.2.1"))


def test_a_data_folder_that_cannot_be_made(manage: Manage, data_dir: Path) -> None:
    (data_dir / "file").touch()
    done = manage("run", CHATBOT_DATA_DIR=str(data_dir / "file" / "below"))
    assert last_line(done).startswith("Setting CHATBOT_DATA_DIR: ")


@pytest.mark.parametrize("command", [["run"], ["createapikey", "somebody@example.com"]])
def test_a_database_that_is_not_there(manage: Manage, command: list[str]) -> None:
    done = manage(*command, DATABASE_URL="postgres://nobody@127.0.0.1:1/x", SECRET_KEY="s" * 50)
    assert last_line(done).startswith("The database of DATABASE_URL cannot be reached: ")
    assert "refused" in last_line(done)


def test_a_migration_that_fails(manage: Manage, data_dir: Path) -> None:
    with running(["postgres"], data_dir):
        with psycopg.connect(embedded_addresses(data_dir)["DATABASE_URL"]) as database:
            database.execute("CREATE TABLE accounts_tier (in_the_way int)")
        line = last_line(manage("run"))
    assert line.startswith("The migration failed (Applying accounts.0001_accounts): ")
    assert 'relation "accounts_tier" already exists' in line
    assert "Traceback" in (data_dir / "migrate.log").read_text()


def test_a_second_start_on_the_same_data(manage: Manage, data_dir: Path) -> None:
    (data_dir / "locks").mkdir()
    with (data_dir / "locks" / "stack").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert f"It runs already on the data folder {data_dir}" in last_line(manage("run"))
        lock.write("12345")
        lock.flush()
        assert "It runs already, as process 12345, on" in last_line(manage("run"))


def test_a_socket_folder_of_somebody_else(manage: Manage, data_dir: Path) -> None:
    postgres_socket_dir(data_dir).symlink_to(data_dir)
    try:
        assert "belongs to somebody else" in last_line(manage("run"))
    finally:
        postgres_socket_dir(data_dir).unlink()
