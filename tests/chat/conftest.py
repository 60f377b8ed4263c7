"""Clients of the live servers, for the tests of chats."""

import httpx2
import pytest

from tests.live import LiveAccount
from tests.servers import Server


@pytest.fixture
def client(daphne: Server, live_owner: LiveAccount) -> httpx2.Client:
    """The owner's, of the server that we ship."""
    return live_owner.client(daphne)


@pytest.fixture
def either_client(server: Server, live_owner: LiveAccount) -> httpx2.Client:
    """The owner's: the test runs under daphne and under uvicorn."""
    return live_owner.client(server)


@pytest.fixture(params=["daphne to itself", "uvicorn to itself", "to another process"])
def clients(
    request: pytest.FixtureRequest, two_servers: tuple[Server, Server], live_owner: LiveAccount
) -> tuple[httpx2.Client, httpx2.Client]:
    """The owner's client of the process that writes an answer, and of the one asked later."""
    daphne, uvicorn = (live_owner.client(server) for server in two_servers)
    pairs = {
        "daphne to itself": (daphne, daphne),
        "uvicorn to itself": (uvicorn, uvicorn),
        "to another process": (daphne, uvicorn),
    }
    return pairs[request.param]
