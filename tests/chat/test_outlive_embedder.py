"""An embedding model elsewhere may fail at any call: answers go by words then, and soon."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat import grounding, services
from chat.extractive import Extract
from chat.turns import Asker, Turn
from chatbot_project.api.breaker import Breaker
from documents.services import create_document
from knowledge import reembedding
from knowledge.models import EmbeddingModel
from knowledge.services import add_texts
from tests.knowledge.conftest import embeddings_server, use_remote
from tests.knowledge.embeddings_server import EmbeddingsServer, vector
from tests.live import LiveAccount

__all__ = ["embeddings_server", "use_remote"]

MODEL = "failing-in-the-test"
STATEMENT = "The premium plan allows 500 requests per minute."
QUESTION = "How many requests per minute does the premium plan allow?"
Begin = Callable[..., Turn]


@pytest.fixture
def embedder(
    use_remote: Callable[[], None],
    embeddings_server: EmbeddingsServer,
    live_owner: LiveAccount,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[EmbeddingsServer]:
    """The settings' one. It has embedded what there is."""
    use_remote()
    settings.EMBEDDINGS_MODEL = MODEL
    monkeypatch.setattr(grounding, "_embedder", Breaker("questions_not_embedded", 60.0))
    size = embeddings_server.dimensions
    EmbeddingModel.objects.create(name=MODEL, dimensions=size, is_complete=True)
    content = f"{STATEMENT} The office closes at six."
    add_texts(live_owner.user, [{"title": "Plans", "content": content}])
    embeddings_server.asked.clear()
    yield embeddings_server
    reembedding.forget(EmbeddingModel.objects.filter(name=MODEL))


@pytest.fixture(params=["refuses", "hangs"])
def failing(
    request: pytest.FixtureRequest, embedder: EmbeddingsServer, monkeypatch: pytest.MonkeyPatch
) -> EmbeddingsServer:
    """It makes the question's vector, and none of what might answer it."""
    if request.param == "hangs":
        monkeypatch.setattr(grounding, "EMBED_SECONDS", 0.5)
        embedder.held = f"Plans: {STATEMENT}"
    else:
        made = [{"index": 0, "embedding": vector(QUESTION, embedder.dimensions)}]
        embedder.scripted.extend([(200, {"data": made}), (401, {})])
    return embedder


@pytest.fixture
def begin(live_owner: LiveAccount) -> Begin:
    """Stores a question: its answer is yet to be written."""

    def begin(question: str = QUESTION, **fields: Any) -> Turn:
        asked: dict[str, Any] = {"model": "extractive", "options": {}, **fields}
        return services.start_chat(asker=Asker(live_owner.user, None), message=question, **asked)

    return begin


def quoted(turn: Turn) -> str:
    provider = asyncio.run(grounding.ground(turn)).provider
    assert isinstance(provider, Extract)
    return provider.text


def test_it_quotes_by_words(failing: EmbeddingsServer, begin: Begin) -> None:
    assert quoted(begin()) == f"{STATEMENT} [1]"
    asked = len(failing.asked)
    assert asked == 2
    assert quoted(begin()) == f"{STATEMENT} [1]"
    assert len(failing.asked) == asked  # for a while, nobody waits for it again


def test_so_it_does_from_what_is_attached(
    embedder: EmbeddingsServer, live_owner: LiveAccount, begin: Begin
) -> None:
    content = "The launch is on 3 May."
    made = create_document(owner=live_owner.user, title="Launch", content=content)
    attached = {"id": made.public_id, "type": "document", "title": "Launch", "version": 1}
    right = [{"index": 0, "embedding": vector("launch", embedder.dimensions)}]
    embedder.scripted.extend([(200, {"data": right}), (401, {})])
    assert quoted(begin("When is the launch?", attachments=[attached])) == f"{content} [1]"
    assert len(embedder.asked) == 2
