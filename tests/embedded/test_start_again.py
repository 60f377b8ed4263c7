"""Valkey or the language model ends: it is started again where its clients look for it."""

import contextlib
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from chatbot_project.embedded import processes
from chatbot_project.embedded.addresses import model_state, redis_url
from chatbot_project.embedded.errors import StartFailed
from chatbot_project.embedded.keeping import MISSES, Keeper, Kept
from chatbot_project.embedded.language_model import LanguageModel
from chatbot_project.embedded.services import Share, running
from chatbot_project.embedded.valkey import Valkey
from tests.waiting import wait_until


@pytest.fixture
def valkey(data_dir: Path) -> Iterator[Share]:
    with running(["valkey"], data_dir) as servers:
        yield servers.shares[0]


def pid_of(data_dir: Path) -> int:
    pid = Valkey(data_dir)._server_pid()
    assert pid
    return pid


def look_until_told(kept: Kept, capsys: pytest.CaptureFixture[str]) -> str:
    """What a keeper of this one server prints."""
    keeper, told = Keeper([]), []
    keeper._kept.append(kept)

    def has_told() -> bool:
        assert keeper.look() == ""
        told.append(capsys.readouterr().out)
        return bool(told[-1])

    wait_until(has_told, "the keeper to say something", limit=30)
    return told[-1]


def listening(port: int) -> socket.socket:
    """Somebody else's, as soon as the port is free."""

    found: list[socket.socket] = []

    def take() -> bool:
        with contextlib.suppress(OSError):
            found.append(socket.create_server(("127.0.0.1", port)))
        return bool(found)

    wait_until(take, "the port")
    return found[0]


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_valkey_comes_back_with_its_data(
    signum: signal.Signals, valkey: Share, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = pid_of(data_dir)
    with redis.Redis.from_url(redis_url(data_dir)) as client:
        client.set("kept", "yes")
        psutil.Process(first).send_signal(signum)
        told = look_until_told(Kept(valkey, misses=MISSES - 1), capsys)
        assert told == "Valkey has ended: starting it again.\n"
        wait_until(valkey.is_running, "Valkey to answer")
        assert client.get("kept") == b"yes"
    assert not processes.is_alive(first)


def test_one_that_ends_again_and_again_is_given_time(
    valkey: Share, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(valkey)
    pauses = []
    for _ in range(3):
        wait_until(valkey.is_running, "Valkey to answer")
        kept.next_start = 0.0
        psutil.Process(pid_of(data_dir)).kill()
        look_until_told(kept, capsys)
        assert kept.start_again() == ""
        pauses.append(kept.pause)
    assert pauses == sorted({*pauses})


def test_one_that_cannot_start_is_reported(
    valkey: Share, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    psutil.Process(pid_of(data_dir)).kill()
    log = data_dir / "valkey.log"
    log.unlink()
    log.mkdir()
    told = look_until_told(Kept(valkey), capsys)
    assert told.startswith("Valkey has ended and does not start again: ")
    assert str(log) in told
    log.rmdir()


def test_what_is_just_being_started_ends_with_the_rest(data_dir: Path) -> None:
    with running(["valkey", "llm"], data_dir) as servers:
        found = [pid_of(data_dir), int(model_state(data_dir)["pid"])]
        for pid, share in zip(found, servers.shares, strict=True):
            psutil.Process(pid).kill()
            wait_until(share.start_again, "its end")
        new = [share._server._launched.pid for share in servers.shares]  # type: ignore[attr-defined]
    assert not any(processes.is_alive(pid) for pid in new)
    assert [share.start_again() for share in servers.shares] == [False, False]


def test_the_language_model_keeps_its_address_and_its_key(data_dir: Path) -> None:
    with running(["llm"], data_dir) as servers:
        [model] = servers.shares
        before = model_state(data_dir)
        psutil.Process(int(before["pid"])).kill()
        wait_until(model.start_again, "its end")
        assert not model.start_again()
        wait_until(model.is_running, "the model to answer", limit=60)
        after = model_state(data_dir)
        assert (after["url"], after["key"]) == (before["url"], before["key"])
        request = urllib.request.Request(
            f"{after['url']}/models", headers={"Authorization": f"Bearer {before['key']}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200


def test_the_model_waits_for_its_port(data_dir: Path) -> None:
    """Somebody else has it: the model ends, and is tried again."""
    with running(["llm"], data_dir) as servers:
        [model] = servers.shares
        state = model_state(data_dir)
        psutil.Process(int(state["pid"])).kill()
        wait_until(lambda: not model.is_running(), "its end")
        port = int(state["url"].removesuffix("/v1").rpartition(":")[2])
        with listening(port):
            wait_until(model.start_again, "its end")
            launched = model._server._launched  # type: ignore[attr-defined]
            wait_until(lambda: launched.poll() is not None, "its end", limit=60)
        assert model.start_again()
        wait_until(model.is_running, "the model to answer", limit=60)
        assert LanguageModel(data_dir).is_running()


def test_a_model_whose_address_is_forgotten(data_dir: Path) -> None:
    with pytest.raises(StartFailed, match="is gone"):
        LanguageModel(data_dir).start_again()
