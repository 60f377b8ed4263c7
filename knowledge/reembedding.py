"""Moving to another embedding model while search goes on with the one before.

Chunks get their vectors of the new model a batch at a time, each batch its own transaction: killed
at any point, it goes on where it was. When every chunk has one, the model counts as complete, and
processes whose settings name it search with it.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from knowledge import vectors
from knowledge.chunking import embedded_text
from knowledge.embedders import Embedder, Vectors
from knowledge.models import Embedding, EmbeddingModel

BATCH = 64
FORGOTTEN = 5_000  # vectors deleted at once
BEGINNING = UUID(int=0)

MISSING = """
SELECT c.id, c.content, c.section, s.title, s.filename
FROM knowledge_chunk c JOIN knowledge_source s ON s.id = c.source_id
WHERE c.id > %s AND NOT EXISTS (
    SELECT FROM knowledge_embedding e WHERE e.chunk_id = c.id AND e.model = %s
)
ORDER BY c.id LIMIT %s
"""
# Locked, a chunk can neither be deleted nor given to other readers before its vector is there.
INSERT = """
INSERT INTO knowledge_embedding (chunk_id, model, source_id, audience, vector)
SELECT chunk.id, %s, chunk.source_id, chunk.audience, made.vector::halfvec
FROM unnest(%s::uuid[], %s::text[]) AS made (id, vector)
JOIN LATERAL (
    SELECT * FROM knowledge_chunk c WHERE c.id = made.id FOR SHARE
) AS chunk ON true
ON CONFLICT DO NOTHING
"""
DELETE = "DELETE FROM knowledge_embedding WHERE model = %s AND chunk_id = ANY (%s)"
IS_BROKEN = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"

Progress = Callable[[int], None]  # chunks embedded so far


def reembed(embedder: Embedder, progress: Progress) -> EmbeddingModel:
    """Makes the embedder's model complete. Raises EmbedderUnavailable."""
    size = len(embedder.embed_query("size"))
    model = begin(embedder.name, size)
    done = embed_missing(embedder, progress)
    make_index(model)
    embed_missing(embedder, lambda more: progress(done + more))  # what came meanwhile
    EmbeddingModel.objects.filter(pk=model.pk).update(is_complete=True)
    return model


@transaction.atomic
def begin(name: str, size: int) -> EmbeddingModel:
    """The model's row. Where it gives vectors of another length than before, those are forgotten,
    all at once: nobody may compare some of each, nor make an index of both."""
    forget(EmbeddingModel.objects.filter(pk=name).exclude(dimensions=size))
    return vectors.register(name, size, with_index=False)


def embed_missing(embedder: Embedder, progress: Progress, since: UUID = BEGINNING) -> int:
    """Embeds the chunks, with ids after `since`, that have no vector of this model yet."""
    done = 0
    while rows := missing(embedder.name, since):
        texts = [
            embedded_text(content, section, title or filename, embedder.window)
            for _, content, section, title, filename in rows
        ]
        vectors.release_connection()
        insert(embedder.name, [row[0] for row in rows], embedder.embed_passages(texts))
        since = rows[-1][0]
        done += len(rows)
        progress(done)
    return done


def missing(model: str, since: UUID) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(MISSING, [since, model, BATCH])
        return cursor.fetchall()


def insert(model: str, chunk_ids: list[UUID], made: Vectors) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [model, chunk_ids, [vectors.to_text(vector) for vector in made]])


def make_index(model: EmbeddingModel) -> None:
    """Without holding up writes. One that was left half made is made again."""
    with connection.cursor() as cursor:
        cursor.execute(IS_BROKEN, [vectors.index_name(model.name)])
        row = cursor.fetchone()
    if row and row[0]:
        vectors.drop_index(model)
    vectors.create_index(model, concurrently=not connection.in_atomic_block)


def embed_recent(embedder: Embedder, age: timedelta) -> int:
    """Embeds what processes with the settings before have added lately, in their model alone."""
    if not EmbeddingModel.objects.filter(pk=embedder.name, is_complete=True).exists():
        return 0
    milliseconds = int((timezone.now() - age).timestamp() * 1000)
    return embed_missing(embedder, lambda done: None, UUID(int=milliseconds << 80))


def forget(models: Iterable[EmbeddingModel]) -> int:
    """Deletes models with their vectors and indexes. Returns how many vectors there were."""
    forgotten = 0
    for model in models:
        # First the row: from now on, no search asks for it.
        EmbeddingModel.objects.filter(pk=model.pk).delete()
        vectors.drop_index(model)
        forgotten += sum(delete_vectors(model.name))
    return forgotten


def delete_vectors(model: str) -> Iterator[int]:
    """Yields how many it deleted. In the primary key's order: each row is passed by once."""
    vectors_of_model = Embedding.objects.filter(model=model).order_by("chunk_id")
    since = BEGINNING
    while rows := vectors_of_model.filter(chunk_id__gt=since).values_list("chunk_id")[:FORGOTTEN]:
        ids = [chunk_id for (chunk_id,) in rows]
        since = ids[-1]
        with connection.cursor() as cursor:
            cursor.execute(DELETE, [model, ids])
            yield cursor.rowcount
