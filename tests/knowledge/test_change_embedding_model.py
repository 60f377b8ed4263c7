"""`manage.py reembed` moves to another model, stopped or not, and search goes on meanwhile."""

import io
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from knowledge import reembedding, services, slots, tasks
from knowledge.models import Chunk, Embedding, EmbeddingModel, Source
from knowledge.search import search
from knowledge.vectors import EmbedderChanged
from tests.knowledge.conftest import MODEL
from tests.knowledge.embeddings_server import EmbeddingsServer
from tests.waiting import wait_until

TEXTS = [f"Valve number {number} is opened on {number} May." for number in range(10)]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def texts(owner: User) -> Iterator[list[Source]]:
    yield services.add_texts(owner, [{"content": text} for text in TEXTS])
    for model in EmbeddingModel.objects.exclude(pk=MODEL):
        reembedding.forget([model])


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reembedding, "BATCH", 3)


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("reembed", *arguments, stdout=output)
    return output.getvalue()


def finds(owner: User, query: str = "the seventh valve, 7 May") -> set[str]:
    return {found.content for found in search(owner, query, "semantic", limit=50)}  # type: ignore[arg-type]


def vectors_of(model: str) -> int:
    return Embedding.objects.filter(model=model).count()


def test_it_moves_and_forgets(
    owner: User, texts: list[Source], use_remote: Callable[[], None]
) -> None:
    use_remote()
    assert "Every chunk has its vector of hashes." in run()
    assert vectors_of("hashes") == vectors_of(MODEL) == 10
    assert EmbeddingModel.objects.get(pk="hashes").is_complete
    assert finds(owner) == set(TEXTS)
    assert "Deleted 10 vectors" in run("--forget-others")
    assert vectors_of(MODEL) == 0
    assert list(EmbeddingModel.objects.values_list("name", flat=True)) == ["hashes"]
    assert finds(owner) == set(TEXTS)


def test_search_and_writing_go_on_meanwhile(
    owner: User,
    texts: list[Source],
    use_remote: Callable[[], None],
    embeddings_server: EmbeddingsServer,
    small_batches: None,
) -> None:
    use_remote()
    embeddings_server.held = TEXTS[3]
    moving = Thread(target=run_and_close)
    moving.start()
    wait_until(lambda: vectors_of("hashes") == 3, "the first batch")
    assert not EmbeddingModel.objects.get(pk="hashes").is_complete
    assert finds(owner) == set(TEXTS)
    services.add_texts(owner, [{"content": "A new valve."}])
    assert finds(owner) == {*TEXTS, "A new valve."}
    services.delete_source(texts[-1])
    assert finds(owner) == {*TEXTS[:-1], "A new valve."}
    embeddings_server.open.set()
    moving.join(30)
    assert not moving.is_alive()
    assert EmbeddingModel.objects.get(pk="hashes").is_complete
    assert vectors_of("hashes") == Chunk.objects.count() == 10
    assert finds(owner) == {*TEXTS[:-1], "A new valve."}


def run_and_close() -> None:
    try:
        run()
    finally:
        connection.close()


def test_it_goes_on_where_it_was(
    owner: User,
    texts: list[Source],
    use_remote: Callable[[], None],
    embeddings_server: EmbeddingsServer,
    small_batches: None,
) -> None:
    use_remote()
    right: Any = [embeddings_server.answer({"input": ["size"], "model": "hashes"})]
    embeddings_server.scripted.extend([*right, (401, {})])
    with pytest.raises(CommandError, match="Run this again"):
        run()
    assert not EmbeddingModel.objects.get(pk="hashes").is_complete
    run()
    asked = [text for call in embeddings_server.asked for text in call["input"] if text in TEXTS]
    assert vectors_of("hashes") == 10
    assert len(asked) == 13  # the first batch failed, and was asked again


def test_the_same_model_with_vectors_of_another_length(
    owner: User,
    texts: list[Source],
    use_remote: Callable[[], None],
    embeddings_server: EmbeddingsServer,
    small_batches: None,
) -> None:
    use_remote()
    run()
    embeddings_server.dimensions = 32
    with pytest.raises(EmbedderChanged):
        finds(owner)
    right: Any = [embeddings_server.answer({"input": ["size"], "model": "hashes"})]
    embeddings_server.scripted.extend([*right, (401, {})])
    with pytest.raises(CommandError, match="Run this again"):
        run()
    assert finds(owner) == set(TEXTS)  # by the model before
    run("--forget-others")
    model = EmbeddingModel.objects.get()
    assert (model.dimensions, model.is_complete, vectors_of("hashes")) == (32, True, 10)
    assert finds(owner) == set(TEXTS)


def test_what_came_under_the_old_settings_is_caught_up_with(
    owner: User, texts: list[Source], use_remote: Callable[[], None], settings: Any
) -> None:
    use_remote()
    run()
    settings.EMBEDDED_EMBEDDINGS = True  # a process that has not been restarted yet
    services.add_texts(owner, [{"content": "A late valve."}])
    settings.EMBEDDED_EMBEDDINGS = False
    with slots.slot([tasks.SLOT]):  # as another worker that is at it
        tasks.embed_recent_chunks()
    assert "A late valve." not in finds(owner)
    tasks.embed_recent_chunks()
    assert finds(owner) == {*TEXTS, "A late valve."}


def test_a_first_model_is_complete_from_the_start(
    owner: User, use_remote: Callable[[], None], embeddings_server: EmbeddingsServer
) -> None:
    use_remote()
    services.add_texts(owner, [{"content": "A valve."}])
    assert EmbeddingModel.objects.get().is_complete
    assert finds(owner) == {"A valve."}
    reembedding.forget(EmbeddingModel.objects.all())
