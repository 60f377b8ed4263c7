"""Search: which chunks, of those that a user may see, answer a query best.

Scores are absolute, from 0 to 1: the cosine; BM25 as a share of the highest that the query could
reach; the mean of the two.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from accounts.models import User
from chatbot_project.api import ids
from knowledge import exact, lexical, ranking, vectors
from knowledge.embedded_embedder import DIMENSIONS
from knowledge.embedders import Embedder, Vectors, embedded_embedder, embedder
from knowledge.filters import Filters
from knowledge.models import EVERY_CHUNK, PREFIXES, Source, SourceType, audiences
from knowledge.ranking import Lexical
from knowledge.statements import Dense, Row, Scope

DEFAULT_LIMIT = 10
EXACT_UP_TO = 10_000  # chunks: so many are scored, each of them


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

    Raises EmbedderUnavailable, EmbedderChanged.
    """
    meaning = None if type == SearchType.TEXT else meaning_of(text)
    counted = {} if type == SearchType.SEMANTIC else lexical.count_query(text)
    return Query(text, type, meaning, counted)


def look_up(readers: Sequence[UUID], query: Query, filters: Filters, limit: int) -> Hits:
    """The half of a search that the database does."""
    scope, most = scope_of(readers, filters)
    dense = query.meaning and dense_of(query.meaning)
    counted = None if query.type == SearchType.SEMANTIC and dense else query.counted
    stats, rows = exact.search(scope, most, dense, counted, limit)
    visible = stats.get(EVERY_CHUNK, 0)
    words = Lexical(lexical.query_weights(query.counted, stats, visible), stats)
    if visible > most:
        rows = among_many(replace(scope, chunks=scope.chunks or visible), dense, words, limit)
    return Hits([found_of(row) for row in rows], words.weights)


def among_many(scope: Scope, dense: Dense | None, words: Lexical, limit: int) -> list[Row]:
    if dense is None:
        return ranking.by_words(scope, words, limit) if words.weights else []
    if not words.weights:
        return ranking.by_meaning(scope, dense, limit)
    return ranking.by_both(scope, dense, words, limit)


def found_of(row: Row) -> Found:
    *others, metadata = row  # JSON comes as text: Django reads it for its own fields alone
    found: Any = (*others, json.loads(metadata))
    return Found(*found)


def scope_of(readers: Sequence[UUID], filters: Filters) -> tuple[Scope, float]:
    """And up to how many visible chunks every one is scored."""
    if not filters:
        return Scope(readers), EXACT_UP_TO
    sources = filters.apply(Source.objects.filter(audience__in=readers))
    chunks = sources.aggregate(chunks=Sum("chunk_count", default=0))["chunks"]
    if not chunks:
        return Scope([]), EXACT_UP_TO
    sql, parameters = sources.values("id").query.sql_with_params()
    most = math.inf if chunks <= EXACT_UP_TO else 0
    return Scope(readers, chunks, sql, tuple(parameters)), most


MODELS = "SELECT name, dimensions, is_complete FROM knowledge_embeddingmodel"


def dense_of(meaning: Meaning) -> Dense:
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
