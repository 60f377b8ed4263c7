"""A database that goes away for a moment costs no answer."""

from collections.abc import Iterator

import httpx2
import pytest
from django.db import connection

from tests import events, servers
from tests.chat.asking import ask, history, streaming
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream, words

PIECES = words(20)
TEXT = "".join(PIECES)
NAME = "test_outlive_database"


def cut_connections() -> int:
    """Ends all connections of the test's own server, as a restart of the database does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE application_name = %s",
            [NAME],
        )
        return int(cursor.fetchone()[0])


@pytest.fixture(scope="module")
def own_server(
    server_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    url = f"{server_environment['DATABASE_URL']}?application_name={NAME}"
    log = tmp_path_factory.mktemp("server") / "server.log"
    server = servers.start("daphne", server_environment | {"DATABASE_URL": url}, log)
    yield server
    server.stop()


@pytest.fixture
def client(own_server: Server, live_owner: LiveAccount) -> httpx2.Client:
    return live_owner.client(own_server)


def test_answers_in_the_making_are_saved(client: httpx2.Client, upstream: Upstream) -> None:
    gate = upstream.gate(10)
    model = upstream.model(Script(PIECES, gate=gate))
    with streaming(client, model) as stream:
        read = events.read_text(stream, 20)
        assert cut_connections() >= 1
        gate.open()
        read += stream
    assert (read[-1].type, events.text_of(read)) == ("done", TEXT)
    saved = history(client, read[0].data["chat_id"])[-1]
    assert (saved["status"], saved["content"]) == ("completed", TEXT)


def test_the_next_requests_are_served(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(PIECES))
    chat = ask(client, model)["id"]
    assert cut_connections() >= 1
    assert len(history(client, chat)) == 2
    assert ask(client, model, chat=chat)["message"] == TEXT
