"""Fixtures around real servers. The rows of these tests are committed: they belong to an account of
the test's own, which goes at the end and takes them with it.
"""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any, Protocol

import httpx2
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases

from accounts.models import Tier, User
from accounts.services import create_api_key
from chatbot_project.api import threads
from tests import servers
from tests.servers import Server
from tests.upstream import Upstream

PLENTY = 1_000_000


class StartServer(Protocol):
    def __call__(self, kind: str = "daphne", **environment: str) -> Server: ...


@dataclass
class LiveAccount:
    """An account with committed rows and a key. Its clients are closed at the end of the test."""

    user: User
    key: str
    closing: ExitStack

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def client(self, server: Server) -> httpx2.Client:
        """A client of `server` that sends the account's key."""
        client = httpx2.Client(base_url=server.url, headers=self.headers, timeout=30)
        return self.closing.enter_context(client)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """pytest-django's. A database with connections cannot be dropped."""
    yield
    end_kept_connections()


def end_kept_connections() -> None:
    """Of the threads that work for the event loop (`chatbot_project.api.threads`)."""
    in_database_threads(connections.close_all)


def in_database_threads(function: Callable[[], object]) -> None:
    in_each_of(threads._short_calls, function)


def in_each_of(pool: ThreadPoolExecutor, function: Callable[[], object]) -> None:
    """Once in each of its threads."""
    together = Barrier(pool._max_workers)

    def call() -> None:
        together.wait()  # so that each thread gets one of the calls
        function()

    for done in [pool.submit(call) for _ in range(pool._max_workers)]:
        done.result()


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """The scripted language model that all live servers ask."""
    server = Upstream()
    yield server
    server.close()


@pytest.fixture(scope="session")
def committed_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The tests' database. pytest-django makes it only if some collected test is marked for it."""
    if connection.settings_dict["NAME"] == settings.DATABASES["default"]["TEST"]["NAME"]:
        yield
        return
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default": True})
    yield
    end_kept_connections()
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def server_environment(
    committed_database: None, upstream: Upstream, tmp_path_factory: Any
) -> dict[str, str]:
    """What a server process needs to share the tests' database, Valkey and upstream."""
    return {
        "DJANGO_SETTINGS_MODULE": "chatbot_project.settings",
        "CHATBOT_DATA_DIR": str(tmp_path_factory.mktemp("data")),  # of uploaded files
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": servers.database_url(connection.settings_dict),
        "DATABASE_POOL_SIZE": "5",
        "REDIS_URL": settings.REDIS_URL,
        "OPENAI_BASE_URL": upstream.url,
        "OPENAI_API_KEY": "tests",
    }


@pytest.fixture(scope="session")
def daphne(server_environment: dict[str, str], tmp_path_factory: Any) -> Iterator[Server]:
    """`python -m chatbot_project.server`, one for the whole session."""
    yield from _server("daphne", server_environment, tmp_path_factory.mktemp("daphne"))


@pytest.fixture(scope="session")
def uvicorn(server_environment: dict[str, str], tmp_path_factory: Any) -> Iterator[Server]:
    """The same application under uvicorn, one for the whole session."""
    yield from _server("uvicorn", server_environment, tmp_path_factory.mktemp("uvicorn"))


def _server(kind: str, environment: dict[str, str], folder: Path) -> Iterator[Server]:
    server = servers.start(kind, environment, folder / "server.log")
    yield server
    server.stop()


@pytest.fixture(params=["daphne", "uvicorn"])
def server(request: pytest.FixtureRequest) -> Server:
    """Runs the test under both servers."""
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def two_servers(daphne: Server, uvicorn: Server) -> tuple[Server, Server]:
    """Two processes over one database and one Valkey."""
    return daphne, uvicorn


@pytest.fixture
def start_server(server_environment: dict[str, str], tmp_path: Path) -> Iterator[StartServer]:
    """Starts a server of the test's own, with settings of its own, which it may kill."""
    started: list[Server] = []

    def start(kind: str = "daphne", **environment: str) -> Server:
        log = tmp_path / f"server-{len(started)}.log"
        started.append(servers.start(kind, server_environment | environment, log))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def make_account(committed_database: None, django_db_blocker: Any) -> Iterator[Callable[..., Any]]:
    """Makes accounts with committed rows and limits that no test reaches, or those it is told.

    `make_account(scopes=["chat:read"], requests_per_minute=5)`. The database is open to the test.
    """
    made: list[User] = []
    with ExitStack() as closing, django_db_blocker.unblock():

        def make(scopes: list[str] | None = None, **limits: int | None) -> LiveAccount:
            user = User.objects.create_user(_unique("{}@live.test"), tier=_make_tier(limits))
            made.append(user)
            _, secret = create_api_key(user, scopes=scopes)
            return LiveAccount(user, secret, closing)

        yield make
        for user in made:
            user.delete()
            user.tier.delete()
        connection.close()


@pytest.fixture
def live_owner(make_account: Callable[..., LiveAccount]) -> LiveAccount:
    return make_account()


@pytest.fixture
def live_stranger(make_account: Callable[..., LiveAccount]) -> LiveAccount:
    return make_account()


def _make_tier(limits: dict[str, int | None]) -> Tier:
    generous: dict[str, int | None] = {
        "requests_per_minute": PLENTY,
        "concurrent_answers": PLENTY,
        "tokens_per_month": None,
        "max_file_bytes": PLENTY,
        "max_files": PLENTY,
        "max_stored_bytes": PLENTY,
        "max_endpoints": PLENTY,
        "max_api_keys": PLENTY,
    }
    return Tier.objects.create(name=_unique("live-{}"), **generous | limits)


def _unique(pattern: str) -> str:
    return pattern.format(uuid.uuid4().hex[:12])
