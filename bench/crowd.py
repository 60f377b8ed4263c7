"""Accounts of many chunks for benchmarks: a data set's passages, again and again, with noise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import connection

from accounts.models import User
from knowledge import services, vectors
from knowledge.chunking import Block, Piece, split
from knowledge.embedders import Vectors, embedder
from knowledge.evaluation import Dataset
from knowledge.indexing import PreparedChunk
from knowledge.models import Source
from knowledge.vectors import register

SOURCE_SIZE = 100  # chunks
NOISE = 0.5  # length of what is added to a vector of length 1
OTHER_WORDS = 0.2  # share of a passage's words that are replaced


@dataclass
class Passages:
    contents: list[str]
    vectors: Vectors


def passages(dataset: Dataset, cache: Path) -> Passages:
    """The data set's chunks and their vectors, which are computed once."""
    pieces = [
        piece
        for _, title, text in dataset.documents
        for piece in split([Block(text)], title=title[:500], window=embedder().window)
    ]
    contents = [piece.content for piece in pieces]
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.save(cache, embedder().embed_passages([piece.embedded_text for piece in pieces]))
    known = np.load(cache)
    assert len(known) == len(contents), f"{cache} is of other passages: delete it"
    return Passages(contents, known)


class Maker:
    def __init__(self, known: Passages) -> None:
        self.known = known
        self.random = np.random.default_rng(20250106)
        self.words = sorted({word for content in known.contents for word in content.split()})

    def store(self, owner: User, count: int) -> None:
        for start in range(0, count, SOURCE_SIZE * 50):
            wanted = min(SOURCE_SIZE * 50, count - start)
            chunks = list(self.chunks(wanted))
            parts = range(0, wanted, SOURCE_SIZE)
            services.index_sources(
                [(source_of(owner), chunks[part : part + SOURCE_SIZE]) for part in parts]
            )

    def chunks(self, count: int) -> Iterable[PreparedChunk]:
        places = self.random.integers(len(self.known.contents), size=count)
        noise = self.random.normal(size=(count, self.known.vectors.shape[1]))
        mixed = self.known.vectors[places] + NOISE * noise / np.linalg.norm(
            noise, axis=1, keepdims=True
        )
        mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
        for place, vector in zip(places, mixed.astype(np.float32), strict=True):
            content = self.in_other_words(self.known.contents[place])
            piece = Piece(content, None, "", "", len(content.split()))
            yield PreparedChunk(piece, {embedder().name: vector})

    def in_other_words(self, content: str) -> str:
        words = content.split()
        replaced = self.random.random(len(words)) < OTHER_WORDS
        others = self.random.integers(len(self.words), size=len(words))
        return " ".join(
            self.words[other] if is_replaced else word
            for word, other, is_replaced in zip(words, others, replaced, strict=True)
        )


def source_of(owner: User) -> Source:
    return Source(owner=owner, audience=owner.id, source_type="manual", title="")


def load(maker: Maker, accounts: Sequence[tuple[User, int]]) -> None:
    """Stores them, and builds the index afterwards: growing it takes ten times as long."""
    model = register(embedder().name, maker.known.vectors.shape[1])
    vectors.drop_index(model)
    for owner, count in accounts:
        maker.store(owner, count)
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")  # the whole graph, or it takes for ever
        vectors.create_index(model)
        cursor.execute("VACUUM ANALYZE knowledge_source, knowledge_chunk, knowledge_embedding")
