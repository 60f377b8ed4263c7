"""An embedding model elsewhere may fail at any call: answers go by words then, and soon."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat import grounding, providers, services
from chat.extractive import Extract
from chat.grounding import Grounded
from chat.turns import Asker, Turn
from chatbot_project.api.breaker import Breaker
from documents.services import create_document
from knowledge import reembedding
from knowledge.models import EmbeddingModel
from knowledge.services import add_texts
from tests.chat.asking import Json
from tests.knowledge.conftest import embeddings_server, use_remote
from tests.knowledge.embeddings_server import EmbeddingsServer, vector
from tests.live import LiveAccount

__all__ = ["embeddings_server", "use_remote"]

MODEL = "failing-in-the-test"
STATEMENT = "The premium plan allows 500 requests per minute."
SPICES = ("saffron", "mace", "sumac")
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
    monkeypatch.setattr(grounding, "_questions", Breaker("questions_not_embedded", 60.0))
    monkeypatch.setattr(grounding, "_statements", Breaker("statements_not_embedded", 60.0))
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
        monkeypatch.setattr(grounding, "EMBED_SECONDS", 2.0)
        embedder.held = f"Plans: {STATEMENT}"
    else:
        made = [{"index": 0, "embedding": vector(QUESTION, embedder.dimensions)}]
        embedder.scripted.extend([(200, {"data": made}), (401, {})])
    return embedder


@pytest.fixture
def begin(live_owner: LiveAccount) -> Begin:
    """Stores a question: its answer is yet to be written."""

    def begin(question: str = QUESTION, **fields: Any) -> Turn:
        asked: Json = {"model": "extractive", "options": {}, **fields}
        return services.start_chat(asker=Asker(live_owner.user, None), message=question, **asked)

    return begin


def grounded(turn: Turn) -> Grounded:
    async def ground() -> Grounded:
        try:
            return await grounding.ground(turn)
        finally:
            await providers.close()

    return asyncio.run(ground())


def quoted(turn: Turn) -> str:
    provider = grounded(turn).provider
    assert isinstance(provider, Extract)
    return provider.text


def test_it_quotes_by_words(failing: EmbeddingsServer, begin: Begin) -> None:
    assert quoted(begin()) == f"{STATEMENT} [1]"
    assert len(failing.asked) == 2
    assert quoted(begin()) == f"{STATEMENT} [1]"
    assert [each["input"] for each in failing.asked[2:]] == [[QUESTION]]  # for a while


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


@pytest.fixture
def files(live_owner: LiveAccount, embedder: EmbeddingsServer, settings: Any) -> list[Json]:
    """Three, each too long for a prompt."""
    settings.CHAT_CONTEXT_TOKENS = 2_000
    others = "".join(f"# Part {number}\n\nOf something else.\n\n" for number in range(60))
    texts = [{"content": f"{others}# End\n\nThe secret spice is {spice}."} for spice in SPICES]
    made = add_texts(live_owner.user, texts)
    embedder.asked.clear()
    return [
        {"id": each.public_id, "type": "file", "title": "Spices", "version": None} for each in made
    ]


@pytest.mark.parametrize("state", ["well", "changed", "hangs"])
def test_the_question_is_embedded_once_for_all_files(
    embedder: EmbeddingsServer,
    begin: Begin,
    files: list[Json],
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = "Which spice is secret?"
    if state == "changed":
        embedder.dimensions = 32
    if state == "hangs":
        monkeypatch.setattr(grounding, "EMBED_SECONDS", 2.0)
        embedder.held = question
    turn = begin(question, attachments=files, model="any", options={"knowledge": False})
    told = grounded(turn).turn.prompt.messages[-1]["content"]
    assert all(f"secret spice is {spice}" in told for spice in SPICES)
    assert "[...]" in told
    assert [each["input"] for each in embedder.asked] == [[question]]


def test_a_model_searches_by_words_too(embedder: EmbeddingsServer) -> None:
    embedder.scripted.append((401, {}))
    query = asyncio.run(grounding.understood(QUESTION))
    assert (query.text, query.meaning) == (QUESTION, None)
