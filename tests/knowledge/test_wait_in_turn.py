"""An account that adds or asks more than the embedding model can take holds up itself alone."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from chatbot_project.api.errors import RateLimited
from chatbot_project.api.queues import Queues
from knowledge import reembedding
from knowledge.models import EmbeddingModel
from tests import servers
from tests.knowledge.embeddings_server import EmbeddingsServer
from tests.live import LiveAccount
from tests.servers import Server
from tests.waiting import wait_until

HELD = "A valve that takes its time."
MODEL = "held-by-the-test"
ME, OTHER = uuid4(), uuid4()


@pytest.fixture(scope="module")
def embeddings() -> Iterator[EmbeddingsServer]:
    server = EmbeddingsServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def server(
    embeddings: EmbeddingsServer, server_environment: dict[str, str], tmp_path_factory: Any
) -> Iterator[Server]:
    remote = {"EMBEDDINGS_BASE_URL": embeddings.url, "EMBEDDINGS_MODEL": MODEL}
    log = tmp_path_factory.mktemp("held") / "server.log"
    started = servers.start("daphne", server_environment | remote, log)
    yield started
    started.stop()


@pytest.fixture
def held(embeddings: EmbeddingsServer, live_owner: LiveAccount) -> Iterator[EmbeddingsServer]:
    """From now on, the model does not answer calls with HELD, until it is `open`."""
    EmbeddingModel.objects.create(name=MODEL, dimensions=embeddings.dimensions, is_complete=True)
    embeddings.asked.clear()
    embeddings.open.clear()
    embeddings.held = HELD
    yield embeddings
    embeddings.open.set()
    reembedding.forget(EmbeddingModel.objects.filter(name=MODEL))


Send = Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]


async def in_between(
    server: Server, held: EmbeddingsServer, owner: LiveAccount, other: LiveAccount, send: Send
) -> tuple[list[int], list[httpx2.Response]]:
    """The statuses of what another account asks for while the model holds twelve calls of the
    owner's, and these calls' answers afterwards."""
    limits = httpx2.Limits(max_connections=None)
    mine = httpx2.AsyncClient(base_url=server.url, headers=owner.headers, limits=limits, timeout=60)
    theirs = httpx2.AsyncClient(base_url=server.url, headers=other.headers, timeout=20)
    async with mine, theirs:
        sent = [asyncio.ensure_future(send(mine)) for _ in range(12)]
        await asyncio.to_thread(wait_until, lambda: held.asked, "a call of the model")
        statuses = [(await theirs.get("/api/files?limit=1")).status_code]
        statuses.append((await theirs.get("/api/knowledge")).status_code)
        for path, body in (
            ("/api/knowledge", {"content": "Another valve."}),
            ("/api/knowledge/search", {"query": "valve"}),
            ("/api/chat", {"message": "Which valve?", "model": "extractive"}),
        ):
            statuses.append((await theirs.post(path, json=body)).status_code)
        held.open.set()
        return statuses, await asyncio.gather(*sent)


def test_who_adds_much_holds_up_nobody_else(
    server: Server, held: EmbeddingsServer, live_owner: LiveAccount, live_stranger: LiveAccount
) -> None:
    async def add(client: httpx2.AsyncClient) -> httpx2.Response:
        return await client.post("/api/knowledge", json={"content": HELD})

    statuses, answers = asyncio.run(in_between(server, held, live_owner, live_stranger, add))
    assert statuses == [200, 200, 201, 200, 200]
    assert Counter(each.status_code for each in answers) == {201: 10, 429: 2}
    refused = next(each for each in answers if each.status_code == 429)
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert refused.headers["Retry-After"] == "2"


def test_who_searches_much_holds_up_nobody_else(
    server: Server, held: EmbeddingsServer, live_owner: LiveAccount, live_stranger: LiveAccount
) -> None:
    async def search(client: httpx2.AsyncClient) -> httpx2.Response:
        return await client.post("/api/knowledge/search", json={"query": HELD})

    statuses, answers = asyncio.run(in_between(server, held, live_owner, live_stranger, search))
    assert statuses == [200, 200, 201, 200, 200]
    assert {each.status_code for each in answers} == {200}


def test_changed_texts_wait_too(
    server: Server, held: EmbeddingsServer, live_owner: LiveAccount, live_stranger: LiveAccount
) -> None:
    client = live_owner.client(server)
    added = client.post("/api/knowledge", json={"content": "A pump."}).json()
    held.asked.clear()

    async def change(client: httpx2.AsyncClient) -> httpx2.Response:
        return await client.patch(f"/api/knowledge/{added['id']}", json={"content": HELD})

    statuses, answers = asyncio.run(in_between(server, held, live_owner, live_stranger, change))
    assert statuses == [200, 200, 201, 200, 200]
    assert Counter(each.status_code for each in answers) == {200: 10, 429: 2}
    assert client.get(f"/api/knowledge/{added['id']}").json()["content"] == HELD


@pytest.fixture
def queues() -> Queues:
    return Queues(at_work=1, waiting=1)


def test_what_has_begun_ends_after_its_caller(queues: Queues) -> None:
    ended = []

    async def scene() -> None:
        release = asyncio.Event()

        async def work() -> None:
            await release.wait()
            ended.append(True)

        first = asyncio.ensure_future(queues.turn(ME, work))
        second = asyncio.ensure_future(queues.turn(ME, work))
        await asyncio.sleep(0)
        with pytest.raises(RateLimited):
            await queues.turn(ME, work)
        first.cancel()  # its caller hangs up
        await asyncio.wait([first])
        with pytest.raises(RateLimited):
            await queues.turn(ME, work)
        release.set()
        await queues.turn(OTHER, work)
        await second

    asyncio.run(scene())
    assert len(ended) == 3


def test_who_hangs_up_in_the_queue_loses_the_turn(queues: Queues) -> None:
    async def scene() -> None:
        release = asyncio.Event()
        first = asyncio.ensure_future(queues.turn(ME, release.wait))
        second = asyncio.ensure_future(queues.turn(ME, release.wait))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        third = asyncio.ensure_future(queues.turn(ME, release.wait))
        release.set()
        assert all(await asyncio.gather(first, third))

    asyncio.run(scene())
    assert not queues._calls and not queues._free


def test_a_failure_ends_a_turn(queues: Queues) -> None:
    async def fail() -> None:
        raise ValueError

    async def scene() -> None:
        for _ in range(3):
            with pytest.raises(ValueError):
                await queues.turn(ME, fail)

    asyncio.run(scene())
