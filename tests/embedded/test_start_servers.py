"""Embedded servers: started together, shared by their users, stopped by the last."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from chatbot_project.embedded import postgres_home
from chatbot_project.embedded.addresses import (
    embedded_addresses,
    model_state_file,
    postgres_socket_dir,
    valkey_socket,
)
from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.language_model import LanguageModel
from chatbot_project.embedded.postgres import Postgres
from chatbot_project.embedded.services import running
from chatbot_project.embedded.valkey import Valkey

BOTH = ["postgres", "valkey"]


def write_something(data_dir: Path) -> None:
    addresses = embedded_addresses(data_dir)
    with psycopg.connect(addresses["DATABASE_URL"]) as database:
        database.execute("CREATE TABLE kept (word text)")
        database.execute("INSERT INTO kept VALUES ('still here')")
    redis.Redis.from_url(addresses["REDIS_URL"]).set("kept", "still here")


def read_it(data_dir: Path) -> tuple[str, str]:
    addresses = embedded_addresses(data_dir)
    with psycopg.connect(addresses["DATABASE_URL"]) as database:
        row = database.execute("SELECT word FROM kept").fetchone()
    word = redis.Redis.from_url(addresses["REDIS_URL"], decode_responses=True).get("kept")
    return (row[0] if row else ""), str(word)


def test_data_outlives_a_stop_and_a_kill(data_dir: Path) -> None:
    with running(BOTH, data_dir):
        write_something(data_dir)
    assert not Postgres(data_dir).is_running()
    assert not Valkey(data_dir).is_running()
    with running(BOTH, data_dir):
        assert read_it(data_dir) == ("still here", "still here")
        for pid in (Postgres(data_dir)._server_pid(), Valkey(data_dir)._server_pid()):
            assert pid
            os.kill(pid, signal.SIGKILL)
    with running(BOTH, data_dir):
        assert read_it(data_dir) == ("still here", "still here")


def test_the_last_user_stops_what_another_started(data_dir: Path) -> None:
    first, second = running(["valkey"], data_dir), running(["valkey"], data_dir)
    first.__enter__()
    pid = Valkey(data_dir)._server_pid()
    second.__enter__()
    first.__exit__(None, None, None)
    assert Valkey(data_dir)._server_pid() == pid
    second.__exit__(None, None, None)
    assert not Valkey(data_dir).is_running()


def test_an_old_pid_file_naming_another_program_does_not_hold_it_up(data_dir: Path) -> None:
    with running(["postgres"], data_dir):
        pid_file = Postgres(data_dir).home.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with running(["postgres"], data_dir):
        assert Postgres(data_dir).is_running()


def test_a_running_server_is_known_by_every_name_of_its_folder(
    data_dir: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(data_dir)
    names = [link, data_dir / ".." / data_dir.name]
    with running(BOTH, data_dir):
        pids = (Postgres(data_dir)._server_pid(), Valkey(data_dir)._server_pid())
        for name in names:
            assert (Postgres(name)._server_pid(), Valkey(name)._server_pid()) == pids
            with running(BOTH, name):
                assert read_pid_file(data_dir) == str(pids[0])
    assert not Postgres(data_dir).is_running()


def test_the_language_model_is_known_by_every_name_of_its_folder(
    data_dir: Path, tmp_path: Path
) -> None:
    """A process that looks like it: to load the model takes seconds."""
    link = tmp_path / "link"
    link.symlink_to(data_dir)
    command = [sys.executable, "-c", "input()", str(model_state_file(link))]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        model_state_file(data_dir).write_text(json.dumps({"pid": process.pid}))
        assert LanguageModel(data_dir).is_running()
        process.communicate(b"\n")
    assert not LanguageModel(data_dir).is_running()


def test_a_pid_file_of_a_server_that_runs_is_never_taken_away(
    data_dir: Path, other_data_dir: Path
) -> None:
    """As after the folder of a running server was moved: no name leads to it any more."""
    moved = Postgres(other_data_dir)
    moved.home.prepare()
    moved.home.data.mkdir()
    with running(["postgres"], data_dir):
        pid = read_pid_file(data_dir)
        (moved.home.data / "postmaster.pid").write_text(f"{pid}\n")
        with pytest.raises(StartFailed, match=f"process {pid}"):
            moved.start()
        assert read_pid_file(other_data_dir) == pid
    moved.stop()


def read_pid_file(data_dir: Path) -> str:
    return (Postgres(data_dir).home.data / "postmaster.pid").read_text().partition("\n")[0]


def test_an_interrupted_first_start_is_begun_anew(data_dir: Path) -> None:
    home = Postgres(data_dir).home
    home.prepare()
    (home.folder / "draft").mkdir()
    (home.folder / "draft" / "PG_VERSION").write_text("18\n")
    with running(["postgres"], data_dir):
        assert Postgres(data_dir).is_running()


def test_the_database_asks_for_its_password(data_dir: Path) -> None:
    with running(["postgres"], data_dir), pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host=str(postgres_socket_dir(data_dir)),
            user="chatbot",
            password="guess",
            dbname="chatbot",
        )


def test_secrets_and_sockets_are_for_their_owner_alone(data_dir: Path) -> None:
    with running(BOTH, data_dir):
        addresses = embedded_addresses(data_dir)
        assert embedded_addresses(data_dir) == addresses
        private = [data_dir / "secret-key", data_dir / "postgres-password"]
        private += [postgres_socket_dir(data_dir), valkey_socket(data_dir).parent]
        private += [data_dir / "postgres", data_dir / "valkey"]
        assert [path.stat().st_mode & 0o077 for path in private] == [0] * len(private)


def test_a_folder_that_exists_keeps_its_mode(data_dir: Path) -> None:
    folder = data_dir / "mine"
    folder.mkdir(mode=0o705)
    folder.chmod(0o705)
    with running(["valkey"], folder):
        assert folder.stat().st_mode & 0o777 == 0o705


def test_a_folder_closed_to_its_user_is_not_opened_for_it(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest's folders are closed to others: as root, data and programs must go elsewhere."""
    package = postgres_home._packaged_install().parent
    libraries = f"{package.name}.libs"
    (tmp_path / package.name).symlink_to(package)
    (tmp_path / libraries).symlink_to(package.with_name(libraries))
    programs = tmp_path / package.name / postgres_home.INSTALL
    monkeypatch.setattr(postgres_home, "SYSTEM_STATE", data_dir / "state")
    monkeypatch.setattr(postgres_home, "_packaged_install", lambda: programs)
    closed = tmp_path / "data"
    closed.mkdir(mode=0o700)
    with running(["postgres"], closed):
        home = Postgres(closed).home
        inside = (home.folder.parent == closed, home.install == programs)
    assert inside == ((False, False) if os.getuid() == 0 else (True, True))
    assert [path.stat().st_mode & 0o777 for path in (tmp_path, closed)] == [0o700, 0o700]
