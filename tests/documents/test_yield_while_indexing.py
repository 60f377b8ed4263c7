"""A worker that indexes a document keeps from nobody what it does not use, and ends when asked."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now

from accounts.models import User
from chatbot_project import celery
from documents import indexing, tasks
from documents.models import Indexing
from documents.services import create_document
from knowledge.models import Chunk
from tests.knowledge.conftest import use_remote
from tests.knowledge.embeddings_server import Answer, EmbeddingsServer

__all__ = ["use_remote"]


class Watching(EmbeddingsServer):
    """Notes whether the worker holds a connection to the database whenever it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.worker = connections["default"]  # this thread's, looked at from another
        self.held_connections: list[bool] = []

    def answer(self, asked: dict[str, Any]) -> Answer:
        self.held_connections.append(self.worker.connection is not None)
        return super().answer(asked)


@pytest.fixture
def embeddings_server() -> Iterator[Watching]:
    server = Watching()
    yield server
    server.close()


@pytest.mark.django_db(transaction=True)
def test_it_holds_no_connection_while_it_embeds(
    owner: User, embeddings_server: Watching, use_remote: Callable[[], None]
) -> None:
    use_remote()
    long = "\n\n".join(f"Tide {number} comes and goes." * 40 for number in range(400))
    document = create_document(owner=owner, title="Sea", content=long, knowledge=True)
    tasks.index_document(str(document.pk))
    assert Chunk.objects.filter(source=document.pk).count() > 4 * 32
    assert len(embeddings_server.held_connections) > 4
    assert not any(embeddings_server.held_connections)


@pytest.fixture
def asked_to_end() -> Iterator[None]:
    celery.note_stopping()
    yield
    celery._stopping[0] = 0


def test_it_ends_when_asked_and_leaves_the_document_to_others(
    owner: User, asked_to_end: None
) -> None:
    document = create_document(owner=owner, title="Sea", content="It comes.", knowledge=True)
    tasks.index_document(str(document.pk))
    waiting = Indexing.objects.annotate(now=Now()).get()
    assert waiting.due_at is not None and waiting.due_at <= waiting.now
    assert (waiting.claim, waiting.failures) == (None, 0)
    assert not Chunk.objects.exists()
    assert indexing.next_due() == document.pk
    celery._stopping[0] = 0
    tasks.index_document(str(document.pk))
    assert Chunk.objects.get().content == "It comes."
