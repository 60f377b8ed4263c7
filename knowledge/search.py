"""Search: which chunks, of those that a user may see, answer a query best.

Scores are absolute, from 0 to 1: the cosine; BM25 as a share of the highest that the query could
reach; the mean of the two.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from accounts.models import User
from chatbot_project.api import ids
from knowledge import lexical, ranking, term_stats, vectors
from knowledge.embedded_embedder import DIMENSIONS
from knowledge.embedders import Embedder, Vectors, embedded_embedder, embedder
from knowledge.filters import Filters
from knowledge.models import EVERY_CHUNK, PREFIXES, Source, SourceType, audiences
from knowledge.ranking import Dense, Lexical, Row, Scope

DEFAULT_LIMIT = 10


class SearchType(StrEnum):
    SEMANTIC = "semantic"
    TEXT = "text"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk, its score and where it is from."""

    id: UUID
    score: float
    content: str
    position: int
    page: int | None
    section: str
    source_id: UUID
    source_type: str
    title: str
    filename: str
    tags: list[str]
    metadata: dict[str, Any]

    @property
    def public_id(self) -> str:
        return ids.encode("chunk", self.id)

    @property
    def public_source_id(self) -> str:
        return ids.encode(PREFIXES[SourceType(self.source_type)], self.source_id)


def search(
    user: User,
    query: str,
    type: SearchType = SearchType.HYBRID,
    filters: Filters | None = None,
    limit: int = DEFAULT_LIMIT,
) -> list[Found]:
    """The best chunks first, all of them ones that `user` may see.

    `text` finds what has at least one of the query's terms; the others rank everything.
    Raises EmbedderUnavailable.
    """
    return find(audiences(user), query, SearchType(type), filters or Filters(), limit)


def find(
    readers: Sequence[UUID], query: str, type: SearchType, filters: Filters, limit: int
) -> list[Found]:
    """`search` in the knowledge of these audiences."""
    # Before the first query: while a model is waited for, no connection is held.
    return look_up(readers, understand(query, type), filters, limit).found


class Meaning(NamedTuple):
    model: str  # the embedder's name
    vector: Vectors


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, as chunks are compared with it."""

    text: str
    type: SearchType
    meaning: Meaning | None  # None: by words alone, or nothing is embedded
    counted: Mapping[int, int]  # terms; empty: by meaning alone


class Hits(NamedTuple):
    found: list[Found]
    weights: Mapping[int, float]  # of the query's terms: how rare each is here, 1 in all


def understand(text: str, type: SearchType = SearchType.HYBRID) -> Query:
    """The half of a search that waits for a model, and holds no connection meanwhile.

    Raises EmbedderUnavailable, and ModelUnavailable when the model gives vectors of another length
    than before.
    """
    meaning = None if type == SearchType.TEXT else meaning_of(text)
    counted = {} if type == SearchType.SEMANTIC else lexical.count_query(text)
    return Query(text, type, meaning, counted)


def look_up(readers: Sequence[UUID], query: Query, filters: Filters, limit: int) -> Hits:
    """The half of a search that the database does."""
    stats = term_stats.read(readers, [EVERY_CHUNK, *query.counted])
    scope = scope_of(readers, filters, stats.get(EVERY_CHUNK, 0))
    if not scope.chunks:
        return Hits([], {})
    words = Lexical(lexical.query_weights(query.counted, stats, stats[EVERY_CHUNK]), stats)
    meaning = query.meaning and dense(query.meaning)
    if query.type == SearchType.SEMANTIC and meaning:
        rows = ranking.by_meaning(scope, meaning, limit)
    elif query.type == SearchType.TEXT or meaning is None:
        rows = ranking.by_words(scope, words, limit) if words.weights else []
    else:
        rows = ranking.by_both(scope, meaning, words, limit)
    return Hits([found_of(row) for row in rows], words.weights)


def found_of(row: Row) -> Found:
    *others, metadata = row  # JSON comes as text: Django reads it for its own fields alone
    found: Any = (*others, json.loads(metadata))
    return Found(*found)


def scope_of(readers: Sequence[UUID], filters: Filters, visible: int) -> Scope:
    """`visible`: how many chunks there are without the filters."""
    if not filters or not visible:
        return Scope(readers, visible)
    sources = filters.apply(Source.objects.filter(audience__in=readers))
    chunks = sources.aggregate(chunks=Sum("chunk_count", default=0))["chunks"]
    if not chunks:
        return Scope(readers, 0)
    sql, parameters = sources.values("id").query.sql_with_params()
    return Scope(readers, chunks, sql, tuple(parameters))


MODELS = "SELECT name, dimensions, is_complete FROM knowledge_embeddingmodel"


def dense(meaning: Meaning) -> Dense:
    return Dense(meaning.model, len(meaning.vector), vectors.to_text(meaning.vector))


def meaning_of(text: str) -> Meaning | None:
    """None: nothing is embedded."""
    chosen = searching_embedder()
    if chosen is None:
        return None
    model, dimensions = chosen
    vector = model.embed_query(text)
    vectors.require_length(len(vector), dimensions)
    return Meaning(model.name, vector)


def searching_embedder() -> tuple[Embedder, int] | None:
    """The settings' embedder with its vectors' length; the embedded one, while the settings' has
    yet to catch up; None: neither has embedded anything."""
    if settings.EMBEDDED_EMBEDDINGS:  # no question: who waits for nobody need not ask
        return embedded_embedder(), DIMENSIONS
    models = known_models()
    vectors.release_connection()
    used = [each for each in (embedder(), embedded_embedder()) if each.name in models]
    complete = [each for each in used if models[each.name][1]]
    chosen = (complete or used)[:1]
    return (chosen[0], models[chosen[0].name][0]) if chosen else None


def known_models() -> Mapping[str, tuple[int, bool]]:
    """(dimensions, is complete) by name."""
    with connection.cursor() as cursor:
        cursor.execute(MODELS)
        return {name: (dimensions, complete) for name, dimensions, complete in cursor.fetchall()}
