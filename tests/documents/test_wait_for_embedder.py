"""An embedder that takes longer than a lease: whoever waits for it keeps the document."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now

from chatbot_project import celery
from documents import indexing
from documents.models import Document, Indexing
from documents.services import create_document
from knowledge import leases, reembedding
from knowledge.models import Chunk, EmbeddingModel
from tests.knowledge.conftest import embeddings_server, use_remote
from tests.knowledge.embeddings_server import EmbeddingsServer
from tests.live import LiveAccount
from tests.waiting import wait_until

__all__ = ["embeddings_server", "use_remote"]

CONTENT = "Tides come with the moon."


@pytest.fixture
def document(
    live_owner: LiveAccount,
    use_remote: Callable[[], None],
    embeddings_server: EmbeddingsServer,
    settings: Any,
) -> Iterator[Document]:
    """One that the settings' embedder takes its time for, until it is `open`."""
    use_remote()
    settings.EMBEDDINGS_MODEL = "slow-in-the-test"
    embeddings_server.held = CONTENT
    size = embeddings_server.dimensions
    made = {"name": settings.EMBEDDINGS_MODEL, "dimensions": size, "is_complete": True}
    model = EmbeddingModel.objects.create(**made)
    yield create_document(
        owner=live_owner.user, title="Tides", content=CONTENT, knowledge=True, type="text"
    )
    reembedding.forget([model])


@pytest.fixture
def worker() -> Iterator[ThreadPoolExecutor]:
    """A thread with database connections of its own."""
    with ThreadPoolExecutor(1) as thread:
        yield thread
        thread.submit(connections.close_all).result()


def test_it_is_nobody_elses_meanwhile(
    document: Document,
    embeddings_server: EmbeddingsServer,
    worker: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "LOOK", 0.02)
    monkeypatch.setattr(leases, "RENEWAL", 0.02)
    row = Indexing.objects.filter(pk=document.pk)
    working = worker.submit(indexing.index, document.pk)
    wait_until(lambda: embeddings_server.asked, "the embedder to be asked")
    row.update(due_at=Now())  # the lease has run out
    wait_until(lambda: row.filter(due_at__gt=Now()).exists(), "the lease to be renewed")
    assert indexing.take(document.pk) is None
    embeddings_server.open.set()
    working.result()
    assert [chunk.content for chunk in Chunk.objects.filter(source=document.pk)] == [CONTENT]
    assert row.get().due_at is None


@pytest.fixture
def stop() -> Iterator[Callable[[], None]]:
    yield celery.note_stopping
    celery._stopping[0] = 0


def test_whoever_is_asked_to_end_gives_it_back_at_once(
    document: Document,
    embeddings_server: EmbeddingsServer,
    worker: ThreadPoolExecutor,
    stop: Callable[[], None],
) -> None:
    row = Indexing.objects.filter(pk=document.pk)
    working = worker.submit(indexing.index, document.pk)
    wait_until(lambda: embeddings_server.asked, "the embedder to be asked")
    stop()
    wait_until(lambda: row.filter(claim=None, due_at__lte=Now()).exists(), "it to be given back")
    embeddings_server.open.set()
    working.result()
    assert not Chunk.objects.filter(source=document.pk).exists()
