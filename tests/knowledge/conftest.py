"""Knowledge without embedding it: vectors of the tests' own making, and a client that adds text."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from django.test import Client

from accounts.models import User
from knowledge import services
from knowledge.chunking import Piece
from knowledge.embedders import Vectors
from knowledge.indexing import PreparedChunk
from knowledge.models import Source, SourceType, Visibility
from tests.knowledge.embeddings_server import EmbeddingsServer

MODEL, DIMENSIONS = "all-MiniLM-L6-v2-int8", 384

AddText = Callable[..., dict[str, Any]]
MakeSource = Callable[..., Source]


@pytest.fixture
def add_text() -> AddText:
    """`add_text(client, "content", title="...")` through the API."""

    def add(client: Client, content: str, **fields: Any) -> dict[str, Any]:
        body = {"content": content, **fields}
        response = client.post("/api/knowledge", body, content_type="application/json")
        assert response.status_code == 201, response.content
        added: dict[str, Any] = response.json()
        return added

    return add


@pytest.fixture
def make_source() -> MakeSource:
    """A stored source of chunks with these contents and vectors (default: random ones)."""

    def make(
        owner: User,
        contents: Sequence[str],
        vectors: Vectors | None = None,
        visibility: str = Visibility.PRIVATE,
        pages: Sequence[int | None] | None = None,
        **fields: Any,
    ) -> Source:
        fields = {"source_type": SourceType.MANUAL, "title": "", **fields}
        source = Source(owner=owner, audience=services.audience_of(owner.id, visibility), **fields)
        known = random_vectors(len(contents)) if vectors is None else vectors
        places = pages or [None] * len(contents)
        chunks = [
            prepared(source, content, vector, page)
            for content, vector, page in zip(contents, known, places, strict=True)
        ]
        services.index_source(source, chunks)
        return source

    return make


def prepared(source: Source, content: str, vector: Vectors, page: int | None) -> PreparedChunk:
    piece = Piece(content, page, "", source.title, len(content.split()))
    return PreparedChunk(piece, {MODEL: vector})


def random_vectors(count: int, seed: int = 7) -> Vectors:
    made = np.random.default_rng(seed).normal(size=(count, DIMENSIONS)).astype(np.float32)
    unit: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


@pytest.fixture
def embeddings_server() -> Iterator[EmbeddingsServer]:
    server = EmbeddingsServer()
    yield server
    server.close()


@pytest.fixture
def use_remote(embeddings_server: EmbeddingsServer, settings: Any) -> Callable[[], None]:
    """From when it is called, the settings name the server's model."""

    def use() -> None:
        settings.EMBEDDED_EMBEDDINGS = False
        settings.EMBEDDINGS_BASE_URL = embeddings_server.url
        settings.EMBEDDINGS_API_KEY = "tests"
        settings.EMBEDDINGS_MODEL = "hashes"
        settings.EMBEDDINGS_DIMENSIONS = 0

    return use
