"""Many chunks at little cost: vectors of real sentences with noise, words of theirs with others."""

from collections.abc import Sequence

import numpy as np
from django.db import connection

from accounts.models import User
from knowledge import lexical, services, vectors
from knowledge.chunking import Piece
from knowledge.embedders import Vectors, embedder
from knowledge.indexing import PreparedChunk
from knowledge.models import EmbeddingModel, Source
from tests.knowledge.conftest import DIMENSIONS, MODEL

SENTENCES = [
    "The pump must be primed before the valve is opened.",
    "Invoices are paid within thirty days of their receipt.",
    "Penguins huddle together to keep warm in the winter.",
    "The orchestra rehearses the symphony on Thursday evenings.",
    "Bread rises faster in a warm and humid kitchen.",
    "A glacier carves valleys as it moves down the mountain.",
    "The court dismissed the appeal for lack of evidence.",
    "Satellites in low orbit circle the earth every ninety minutes.",
    "Employees accrue vacation at two days for each month.",
    "The compiler reports an error when a type does not match.",
    "Tomatoes need six hours of sunlight to ripen well.",
    "The goalkeeper saved a penalty in the last minute.",
    "Interest rates rose by half a percent in the spring.",
    "Coral reefs bleach when the water gets too hot.",
    "The museum lends its paintings to galleries abroad.",
    "Backups are written every night and kept for a month.",
]
SOURCE_SIZE = 200  # chunks


class Crowd:
    """`texts[i]` and `vectors[i]` are of the chunk at place i of the account."""

    def __init__(self, owner: User, count: int, base: Vectors, seed: int) -> None:
        random = np.random.default_rng(seed)
        about = random.integers(len(SENTENCES), size=count)
        noise = random.normal(size=(count, DIMENSIONS)).astype(np.float32)
        mixed = base[about] + 0.7 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        self.owner = owner
        self.vectors: Vectors = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        numbers = random.integers(3_000, size=(count, 6))
        self.texts = [
            f"{SENTENCES[kind]} {' '.join(f'word{number}' for number in row)}"
            for kind, row in zip(about, numbers, strict=True)
        ]
        self.weights = [lexical.chunk_weights(lexical.count_chunk(text)) for text in self.texts]

    def store(self, visibility: str = "private") -> None:
        size = len(self.texts)
        services.index_sources(
            [
                (self.source(visibility), self.chunks(start, min(start + SOURCE_SIZE, size)))
                for start in range(0, size, SOURCE_SIZE)
            ]
        )

    def source(self, visibility: str) -> Source:
        audience = services.audience_of(self.owner.id, visibility)
        return Source(owner=self.owner, audience=audience, source_type="manual", tags=["crowd"])

    def chunks(self, start: int, end: int) -> Sequence[PreparedChunk]:
        return [
            PreparedChunk(
                Piece(self.texts[place], None, "", "", 20),
                {MODEL: self.vectors[place]},
            )
            for place in range(start, end)
        ]


def base_vectors() -> Vectors:
    return embedder().embed_passages(SENTENCES)


def rebuild_index() -> None:
    """An index is built in a fraction of the time that it takes to grow."""
    model = EmbeddingModel(name=MODEL, dimensions=DIMENSIONS)
    vectors.create_index(model)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE knowledge_source, knowledge_chunk, knowledge_embedding")


def drop_index() -> None:
    """Whoever registers the model later leaves it at that."""
    vectors.drop_index(vectors.register(MODEL, DIMENSIONS))
