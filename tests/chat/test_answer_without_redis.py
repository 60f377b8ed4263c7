"""Redis is a convenience: without it answers are still given, streamed too."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from chatbot_project.embedded.addresses import embedded_addresses
from chatbot_project.embedded.valkey import Valkey
from tests import events, servers
from tests.chat.asking import ask, history, resuming, streaming
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream, words

PIECES = words(20)
TEXT = "".join(PIECES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this file's own Valkey lives."""
    return tmp_path_factory.mktemp("valkey")


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def own_server(
    request: pytest.FixtureRequest, folder: Path, server_environment: dict[str, str]
) -> Iterator[Server]:
    address = embedded_addresses(folder)["REDIS_URL"]
    environment = server_environment | {"REDIS_URL": address}
    server = servers.start(request.param, environment, folder / f"{request.param}.log")
    yield server
    server.stop()


@pytest.fixture
def valkey(folder: Path) -> Iterator[Valkey]:
    """It runs; the test may stop it."""
    valkey = Valkey(folder, durable=False)
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture
def client(own_server: Server, valkey: Valkey, live_owner: LiveAccount) -> httpx2.Client:
    return live_owner.client(own_server)


def test_it_answers_while_redis_is_stopped(
    client: httpx2.Client, valkey: Valkey, upstream: Upstream
) -> None:
    model = upstream.model(Script(PIECES))
    chat = ask(client, model)["id"]
    valkey.stop()
    assert ask(client, model, chat=chat)["message"] == TEXT
    with streaming(client, model, chat=chat) as stream:
        assert events.text_of(stream) == TEXT
    assert len(history(client, chat)) == 6
    assert client.post("/api/chat", json={"message": "Hello"}).status_code == 200
    with resuming(client, chat) as stream:  # from the database
        assert events.text_of(stream) == TEXT


def test_a_stream_outlives_redis(client: httpx2.Client, valkey: Valkey, upstream: Upstream) -> None:
    gate = upstream.gate(10)
    model = upstream.model(Script(PIECES, gate=gate))
    with streaming(client, model) as stream:
        read = events.read_text(stream, 10)
        valkey.stop()
        gate.open()
        read += stream
    assert events.text_of(read) == TEXT
    assert read[-1].type == "done"


def test_it_can_be_stopped_without_redis(
    client: httpx2.Client, valkey: Valkey, upstream: Upstream
) -> None:
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)))
    valkey.stop()
    with streaming(client, model) as stream:
        chat = events.read_text(stream, 10)[0].data["chat_id"]
        assert client.post(f"/api/chat/{chat}/stop").json()["stopped"]
    assert upstream.wait_for_call(model).dropped.wait(15)
