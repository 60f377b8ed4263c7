"""No database connection is held while a model is waited for, streamed or whole."""

import asyncio

import httpx2
import pytest
from django.conf import LazySettings

from chat import services
from chat.answers import Answer
from chat.function_calls import FunctionCall
from chat.providers import Piece, Prompt
from chat.tool_use import ToolUse
from chat.turns import Asker
from chatbot_project.api import threads
from tests.knowledge.conftest import MakeSource
from tests.knowledge.conftest import make_source as make_source
from tests.live import LiveAccount
from tests.outages import outage_in
from tests.servers import Server
from tests.upstream import Gate, Script, Upstream, words
from tests.waiting import wait_until

EACH = 50
PIECES = words(5)
TEXT = "".join(PIECES)


@pytest.fixture
def gate(upstream: Upstream) -> Gate:
    return upstream.gate()


async def stream_text(client: httpx2.AsyncClient, model: str) -> str:
    asked = {"message": "Hello", "model": model, "stream": True}
    response = await client.post("/api/chat", json=asked)
    assert response.status_code == 200, response.text
    return response.text


async def whole_text(client: httpx2.AsyncClient, model: str) -> str:
    response = await client.post("/api/chat", json={"message": "Hello", "model": model})
    assert response.status_code == 200, response.text
    return str(response.json()["message"])


async def test_a_hundred_open_answers_leave_other_requests_fast(
    server: Server, live_owner: LiveAccount, upstream: Upstream, gate: Gate
) -> None:
    assert server.environment["DATABASE_POOL_SIZE"] == "5"
    slow, quick = upstream.model(Script(PIECES, gate=gate)), upstream.model(Script(PIECES))
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=server.url, headers=live_owner.headers, limits=limits, timeout=60
    ) as client:
        streams = [asyncio.create_task(stream_text(client, slow)) for _ in range(EACH)]
        wholes = [asyncio.create_task(whole_text(client, slow)) for _ in range(EACH)]
        await asyncio.to_thread(
            wait_until, lambda: len(upstream.calls(slow)) == 2 * EACH, "all to be asked upstream"
        )
        assert await whole_text(client, quick) == TEXT
        assert '"done"' in await stream_text(client, quick)
        listed = await client.get("/api/chat")
        assert listed.json()["total"] == 2 * EACH + 2
        assert not any(task.done() for task in (*streams, *wholes))
        gate.open()
        assert set(await asyncio.gather(*wholes)) == {TEXT}
        assert all('"done"' in text for text in await asyncio.gather(*streams))


def test_nor_while_the_search_of_a_model_is_embedded(
    live_owner: LiveAccount, make_source: MakeSource, settings: LazySettings
) -> None:
    settings.CHAT_TOOLS = ["*"]
    source = make_source(live_owner.user, ["The gizmo costs 42 euros."])
    asker = Asker(live_owner.user, None)
    turn = services.start_chat(asker=asker, message="Hello", model="any", options={})
    call = FunctionCall(0, "call_0", "search_knowledge", ['{"query": "gizmo"}'])
    pieces = iter([Piece(calls=[call]), Piece()])

    async def ask(prompt: Prompt) -> Piece:
        return next(pieces)

    calls = ToolUse(turn, Answer(turn.answer, streamed=False))
    with outage_in(threads._model_calls) as lost:
        asyncio.run(calls.write(turn, ask))
    [passage] = calls.calls[0]["result"]["passages"]
    assert (passage["source_id"], lost.failed) == (source.public_id, 0)
