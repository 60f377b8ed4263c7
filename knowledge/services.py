"""Everything that writes knowledge. Chunks, their vectors and the counts of their terms change
together, in one transaction: a search sees all of a source or nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from knowledge import lexical, term_stats, vectors
from knowledge.chunking import Block, Piece
from knowledge.embedders import Vectors
from knowledge.indexing import PreparedChunk, Text, prepare_all
from knowledge.models import EVERYONE, Chunk, Source, SourceType, Visibility
from knowledge.term_stats import Counts
from webhooks.events import emit_all

COPY_CHUNKS = """
COPY knowledge_chunk (id, source_id, audience, position, content, token_count, page, section, terms,
    sparse) FROM STDIN
"""
COPY_EMBEDDINGS = """
COPY knowledge_embedding (chunk_id, model, source_id, audience, vector) FROM STDIN
"""
COPY_VECTORS = """
INSERT INTO knowledge_embedding (chunk_id, model, source_id, audience, vector)
SELECT pair.new, old.model, %s, %s, old.vector
FROM unnest(%s::uuid[], %s::uuid[]) AS pair (old, new)
JOIN knowledge_embedding old ON old.chunk_id = pair.old
"""
MOVE_CHUNKS = """
UPDATE knowledge_chunk SET audience = %s, terms = ARRAY(
    SELECT (key & 4294967295) | (%s::bigint << 32) FROM unnest(terms) AS key
) WHERE source_id = %s
"""
MOVE_EMBEDDINGS = """
UPDATE knowledge_embedding SET audience = %s WHERE source_id = %s
"""


MOST_DELETED = 100  # sources in one transaction


def audience_of(owner_id: UUID, visibility: str) -> UUID:
    return EVERYONE if visibility == Visibility.SHARED else owner_id


def add_texts(owner: User, items: Sequence[dict[str, Any]]) -> list[Source]:
    """Adds text directly, all of it or none. It can be found when this returns.

    <<<<<<< HEAD
        Each item has `content` and may have `title`, `tags`, `metadata` and `visibility`.
        Raises EmbedderUnavailable, EmbedderChanged.
    =======
        Items are those of `new_sources`. Raises EmbedderUnavailable.
    >>>>>>> mend-know
    """
    sources = new_sources(owner, items)
    store_texts(sources, prepare_all(texts_of(sources)))
    return sources


def new_sources(owner: User, items: Sequence[dict[str, Any]]) -> list[Source]:
    """Not stored yet. Each item has `content` and may have `title`, `tags`, `metadata` and
    `visibility`."""
    return [
        Source(
            owner=owner,
            audience=audience_of(owner.id, item.pop("visibility", Visibility.PRIVATE)),
            source_type=SourceType.MANUAL,
            **item,
        )
        for item in (dict(item) for item in items)
    ]


def texts_of(sources: Iterable[Source]) -> list[Text]:
    return [text_of(source.title, source.content) for source in sources]


@transaction.atomic
def store_texts(sources: Sequence[Source], prepared: Sequence[Sequence[PreparedChunk]]) -> None:
    """Stores new sources of one owner with what their texts have become."""
    index_sources(list(zip(sources, prepared, strict=True)))
    emit_all(sources[0].owner, [("knowledge.added", source.as_json()) for source in sources])


def text_of(title: str, content: str) -> Text:
    return Text([Block(content)], title)


def index_source(source: Source, chunks: Sequence[PreparedChunk]) -> None:
    """Stores a new source, or a known one anew: all its chunks are replaced.

    Raises EmbedderChanged, and Source.DoesNotExist when a known one has been deleted meanwhile.
    """
    index_sources([(source, chunks)])


@transaction.atomic
def index_sources(items: Sequence[tuple[Source, Sequence[PreparedChunk]]]) -> None:
    """The same for several, all or none. Known ones keep their readers and tags."""
    known = [source for source, _ in items if not source._state.adding]
    for source in sorted(known, key=lambda source: source.id):
        hold(source, ["audience", "tags"])
    register_models(chunks for _, chunks in items)
    before = term_stats.counts_of_sources([source.id for source in known])
    after = Counts()
    for source, chunks in items:
        save(source, len(chunks))
        insert_chunks(source, chunks, after)
        insert_embeddings(source, chunks)
    term_stats.change(before, after)


def register_models(lists: Iterable[Sequence[PreparedChunk]]) -> None:
    """Before anything is stored: the first model ever has nothing to catch up with."""
    for model, size in {
        (name, len(vector)) for chunks in lists for name, vector in first_vectors(chunks)
    }:
        vectors.register(model, size)


def first_vectors(chunks: Sequence[PreparedChunk]) -> Iterable[tuple[str, Vectors]]:
    return chunks[0].vectors.items() if chunks else ()


def hold(source: Source, fields: Sequence[str] | None = None) -> None:
    """Nobody else changes or deletes it until the end of the transaction.

    Its fields (default: all) become what they are now. Raises Source.DoesNotExist.
    """
    source.refresh_from_db(fields=fields, from_queryset=Source.objects.select_for_update())


def save(source: Source, chunk_count: int) -> None:
    is_new = source._state.adding
    source.chunk_count = chunk_count
    source.updated_at = source.created_at if is_new else timezone.now()
    source.save(force_insert=is_new, force_update=not is_new)
    if not is_new:
        with connection.cursor() as cursor:  # without asking for each chunk what depends on it
            cursor.execute("DELETE FROM knowledge_chunk WHERE source_id = %s", [source.id])


@contextmanager
def copying(sql: str) -> Iterator[Any]:
    """psycopg's COPY, which Django does not know, with errors as Django raises them."""
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(sql) as copy:
        yield copy


def insert_chunks(source: Source, chunks: Sequence[PreparedChunk], counts: Counts) -> None:
    """Weighs each as it is written, and adds its terms to `counts`."""
    owner = lexical.audience_hash(source.audience)
    with copying(COPY_CHUNKS) as copy:
        for position, chunk in enumerate(chunks):
            piece, weights = chunk.piece, weigh(chunk.piece, source)
            counts.add(source.audience, weights)
            copy.write_row(
                (
                    *(chunk.id, source.id, source.audience, position),
                    *(piece.content, piece.token_count, piece.page, piece.section),
                    lexical.keys(owner, weights),
                    lexical.to_sparsevec(weights),
                )
            )


def weigh(piece: Piece, source: Source) -> dict[int, float]:
    """Title and file name are terms of each chunk: people search by them."""
    counted = lexical.count_chunk(piece.content, source.title, source.filename)
    return lexical.chunk_weights(counted)


def insert_embeddings(source: Source, chunks: Sequence[PreparedChunk]) -> None:
    with copying(COPY_EMBEDDINGS) as copy:
        for chunk in chunks:
            for model, vector in chunk.vectors.items():
                row = (chunk.id, model, source.id, source.audience, vectors.to_text(vector))
                copy.write_row(row)


@transaction.atomic
def copy_source(original: Source, copy: Source) -> None:
    """Stores `copy`, new or known, with the chunks of `original`, which nobody embeds again.

    Raises Source.DoesNotExist when one of them has been deleted meanwhile.
    """
    known = [] if copy._state.adding else [copy]
    for source in sorted([original, *known], key=lambda source: source.id):
        hold(source, ["audience", "tags"])
    before = term_stats.counts_of_sources([source.id for source in known])
    kept = list(original.chunks.order_by("position").defer("terms", "sparse"))
    chunks = [PreparedChunk(piece_of(chunk)) for chunk in kept]
    after = Counts()
    save(copy, len(chunks))
    insert_chunks(copy, chunks, after)
    pairs = [chunk.id for chunk in kept], [chunk.id for chunk in chunks]
    with connection.cursor() as cursor:
        cursor.execute(COPY_VECTORS, [copy.id, copy.audience, *pairs])
    term_stats.change(before, after)


def piece_of(chunk: Chunk) -> Piece:
    return Piece(chunk.content, chunk.page, chunk.section, "", chunk.token_count)


def change_text(source: Source, **changes: Any) -> None:
    """`title`, `content`, `tags`, `metadata`, `visibility` of a source of text.

    Raises EmbedderUnavailable, EmbedderChanged, and Source.DoesNotExist when it has been deleted
    meanwhile.
    """
    while True:
        seen, text = said(source), rewritten(source, changes)
        chunks = prepare_all([text])[0] if text else None
        if change_as_seen(source, seen, chunks, changes):
            return


def said(source: Source) -> tuple[str, str]:
    return source.title, source.content


def rewritten(source: Source, changes: Mapping[str, Any]) -> Text | None:
    """What is to be embedded anew. None: the changes leave title and content as they are."""
    wanted = (changes.get("title", source.title), changes.get("content", source.content))
    return None if wanted == said(source) else text_of(*wanted)


@transaction.atomic
def change_as_seen(
    source: Source,
    seen: tuple[str, str],
    chunks: Sequence[PreparedChunk] | None,
    changes: Mapping[str, Any],
) -> bool:
    """False: title or content are not what was `seen` any more, and the chunks not right."""
    hold(source)
    if said(source) != seen:
        return False
    labels = dict(changes)
    visibility = labels.pop("visibility", source.visibility)
    if chunks is not None:
        source.title, source.content = (
            labels.pop("title", source.title),
            labels.pop("content", source.content),
        )
        index_source(source, chunks)
    change_labels(source, visibility, **labels)
    return True


@transaction.atomic
def change_labels(source: Source, visibility: str, **changes: Any) -> None:
    """What can change without another look at the text: `tags`, `metadata`, who may read it."""
    hold(source)
    for name, value in changes.items():
        setattr(source, name, value)
    source.updated_at = timezone.now()
    source.save(update_fields=[*changes, "updated_at"])
    audience = audience_of(source.owner_id, visibility)
    if audience != source.audience:
        move(source, audience)


def move(source: Source, audience: UUID) -> None:
    """Gives a source to other readers. Its chunks' terms and counts go with it."""
    before = term_stats.counts_of_sources([source.id])
    source.audience = audience
    source.save(update_fields=["audience"])
    with connection.cursor() as cursor:
        cursor.execute(MOVE_CHUNKS, [audience, lexical.audience_hash(audience), source.id])
        cursor.execute(MOVE_EMBEDDINGS, [audience, source.id])
    term_stats.change(before, before.moved_to(audience))


def delete_source(source: Source) -> None:
    """With its chunks and vectors, which the database deletes, and the counts of their terms."""
    Source.objects.filter(pk=source.pk).delete()


@transaction.atomic
def delete_sources_of(owner: User) -> bool:
    """Some of them, before their account is deleted. False: there was none.

    Deleted with the account, in any order, they could wait for each other's writers in a circle.
    """
    sources = Source.objects.filter(owner=owner).order_by("id")[:MOST_DELETED]
    held = list(sources.select_for_update().only("id", "audience"))
    term_stats.hold({source.audience for source in held})
    Source.objects.filter(pk__in=[source.pk for source in held]).delete()
    return bool(held)
