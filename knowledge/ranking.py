"""The SQL of search: which rows, in which order, and by which way to them.

The way is chosen here, by how many chunks there are to choose from, and not by the planner. While
they are few, every one is scored: a small account among millions of foreign chunks gets complete
results. Above, candidates come from indexes: HNSW for meaning, the list of each term for words.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from knowledge.lexical import audience_hash, keys, to_sparsevec
from knowledge.models import EVERY_CHUNK
from knowledge.vectors import MOST_INDEXED, quoted

EXACT_UP_TO = 10_000  # chunks
# HNSW looks for the nearest of all accounts and drops the foreign ones: where ours are less than
# this share of all, it would look at too many, and miss some all the same.
LEAST_SHARE = 0.1
EXACT_AT_LEAST_UP_TO = 100_000  # chunks, for those
MOST_CANDIDATES = 10_000  # chunks that a text search scores, unless its rarest term has more
SINGLES = 0.5  # of these, how many for a single term
MOST_PAIRS = 40
POOL = 200  # of each kind, that a hybrid search by indexes chooses from
EF_SEARCH = 400  # how far HNSW looks around: 200 found 92 of 100 in accounts of 50,000

Row = tuple[Any, ...]
Parameters = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: `sources` is a subquery of source ids, empty for all."""

    audiences: Sequence[UUID]
    chunks: int
    sources: str = ""
    parameters: Parameters = ()

    def condition(self, table: str) -> tuple[str, Parameters]:
        sql = f"{table}.audience = ANY (%s)"
        if self.sources:
            sql += f" AND {table}.source_id IN ({self.sources})"
        return sql, (list(self.audiences), *self.parameters)


@dataclass(frozen=True, slots=True)
class Dense:
    """A query as a vector, as PostgreSQL reads it, of one model."""

    model: str
    dimensions: int
    vector: str


@dataclass(frozen=True, slots=True)
class Lexical:
    """A query as weighted terms; `chunks_with`: how many of the visible chunks have each."""

    weights: Mapping[int, float]
    chunks_with: Mapping[int, int]

    @property
    def chunks(self) -> int:
        """All that are visible, whatever is asked for."""
        return self.chunks_with[EVERY_CHUNK]

    @property
    def sparse(self) -> str:
        return to_sparsevec(self.weights)

    def telling(self, most: float) -> tuple[list[int], list[tuple[int, int]]]:
        """Terms any of which makes a candidate, the rarest; pairs of the others that do so too.

        About `most` candidates in all: half of them by a term alone, the others by pairs, counted
        as if terms had nothing to do with each other. What answers best has a rare term or several.
        """
        known = sorted(self.known_terms(), key=lambda term: self.chunks_with[term])
        counts = [self.chunks_with[term] for term in known]
        alone = max(1, fitting(counts, SINGLES * most))
        together = sorted(combinations(known[alone:], 2), key=self.product)[:MOST_PAIRS]
        estimates = [self.product(pair) / self.chunks for pair in together]
        return known[:alone], together[: fitting(estimates, most - sum(counts[:alone]))]

    def known_terms(self) -> list[int]:
        return [term for term in self.weights if self.chunks_with.get(term)]

    def product(self, pair: tuple[int, int]) -> int:
        return self.chunks_with[pair[0]] * self.chunks_with[pair[1]]


def fitting(sizes: Iterable[float], room: float) -> int:
    """How many of them, from the first on, are not more than `room` together."""
    return sum(total <= room for total in accumulate(sizes))


FOUND = """
SELECT chunk.id, found.score, chunk.content, chunk.position, chunk.page, chunk.section,
    source.id, source.source_type, source.title, source.filename, source.tags, source.metadata
FROM ({ranked}) AS found
JOIN knowledge_chunk chunk ON chunk.id = found.id
JOIN knowledge_source source ON source.id = chunk.source_id
ORDER BY found.score DESC, chunk.id
"""
EXACTLY_BY_MEANING = """
SELECT e.chunk_id AS id, greatest(0, -(e.vector <#> %s::halfvec)) AS score
FROM knowledge_embedding e WHERE {condition} AND e.model = {model}
ORDER BY e.vector <#> %s::halfvec LIMIT %s
"""
NEARLY_BY_MEANING = """
SELECT e.chunk_id AS id, greatest(0, -(e.vector::halfvec({size}) <#> %s::halfvec({size}))) AS score
FROM knowledge_embedding e WHERE {condition} AND e.model = {model}
ORDER BY e.vector::halfvec({size}) <#> %s::halfvec({size}) LIMIT %s
"""
# OFFSET 0: each score is computed once, and not for the condition and the order anew.
BY_WORDS = """
SELECT scored.id, scored.score FROM (
    SELECT c.id, -(c.sparse <#> %s::sparsevec) AS score
    FROM knowledge_chunk c WHERE {condition} OFFSET 0
) AS scored WHERE scored.score > 0 ORDER BY scored.score DESC LIMIT %s
"""
BOTH = """
SELECT c.id, 0.5 * greatest(0, coalesce(-(e.vector <#> %s::halfvec), 0))
    - 0.5 * (c.sparse <#> %s::sparsevec) AS score
FROM {candidates} c LEFT JOIN knowledge_embedding e ON e.chunk_id = c.id AND e.model = {model}
"""
EXACTLY_BY_BOTH = BOTH + "WHERE {condition} ORDER BY score DESC LIMIT %s"
NEARLY_BY_BOTH = (
    "WITH near AS MATERIALIZED ({near}), said AS MATERIALIZED ({said})"  # noqa: S608
    + BOTH
    + "WHERE c.id = ANY (ARRAY(SELECT id FROM near UNION SELECT id FROM said)) "
    "ORDER BY score DESC LIMIT %s"
)


def by_meaning(scope: Scope, dense: Dense, limit: int) -> list[Row]:
    if not uses_hnsw(scope, dense):
        return run(*exactly_by_meaning(scope, dense, limit))
    with looking_around(limit):
        return run(*nearly_by_meaning(scope, dense, limit))


def by_words(scope: Scope, words: Lexical, limit: int) -> list[Row]:
    rows = run(*ranked_by_words(scope, words, limit))
    if len(rows) < limit and uses_terms(scope, words):  # what was left out may hold the others
        rows = run(*ranked_by_words(scope, words, limit, most=math.inf))
    return rows


def by_both(scope: Scope, dense: Dense, words: Lexical, limit: int) -> list[Row]:
    """Above EXACT_UP_TO, the best of the best by meaning and the best by words."""
    if scope.chunks <= EXACT_UP_TO:
        return run(*exactly_by_both(scope, dense, words, limit))
    if not uses_hnsw(scope, dense):
        return run(*pooled(exactly_by_meaning(scope, dense, POOL), scope, dense, words, limit))
    with looking_around(POOL):
        return run(*pooled(nearly_by_meaning(scope, dense, POOL), scope, dense, words, limit))


def exactly_by_both(
    scope: Scope, dense: Dense, words: Lexical, limit: int
) -> tuple[str, Parameters]:
    condition, values = scope.condition("c")
    sql = EXACTLY_BY_BOTH.format(
        candidates="knowledge_chunk", model=quoted(dense.model), condition=condition
    )
    return sql, (dense.vector, words.sparse, *values, limit)


def pooled(
    near: tuple[str, Parameters], scope: Scope, dense: Dense, words: Lexical, limit: int
) -> tuple[str, Parameters]:
    said = ranked_by_words(scope, words, POOL)
    sql = NEARLY_BY_BOTH.format(
        near=near[0], said=said[0], candidates="knowledge_chunk", model=quoted(dense.model)
    )
    return sql, (*near[1], *said[1], dense.vector, words.sparse, limit)


def exactly_by_meaning(scope: Scope, dense: Dense, limit: int) -> tuple[str, Parameters]:
    condition, values = scope.condition("e")
    sql = EXACTLY_BY_MEANING.format(condition=condition, model=quoted(dense.model))
    return sql, (dense.vector, *values, dense.vector, limit)


def nearly_by_meaning(scope: Scope, dense: Dense, limit: int) -> tuple[str, Parameters]:
    condition, values = scope.condition("e")
    sql = NEARLY_BY_MEANING.format(
        size=dense.dimensions, condition=condition, model=quoted(dense.model)
    )
    return sql, (dense.vector, *values, dense.vector, limit)


def uses_terms(scope: Scope, words: Lexical) -> bool:
    return scope.chunks > EXACT_UP_TO and scope.chunks > candidates_wanted(scope, words)


def candidates_wanted(scope: Scope, words: Lexical) -> float:
    """More, where filters will leave few of them."""
    return MOST_CANDIDATES * words.chunks / scope.chunks


def ranked_by_words(
    scope: Scope, words: Lexical, limit: int, most: float = 0
) -> tuple[str, Parameters]:
    condition, values = scope.condition("c")
    if uses_terms(scope, words):
        chosen, having = candidates(scope, words, most or candidates_wanted(scope, words))
        # IS TRUE: not by the index of audiences. The terms' is enough, its keys are the audience's.
        condition, values = f"({condition}) IS TRUE AND ({chosen})", (*values, *having)
    return BY_WORDS.format(condition=condition), (words.sparse, *values, limit)


def candidates(scope: Scope, words: Lexical, most: float) -> tuple[str, Parameters]:
    """The condition on a chunk's terms that makes it a candidate."""
    hashes = [audience_hash(audience) for audience in scope.audiences]
    singles, pairs = words.telling(most)
    alone = [key for owner in hashes for key in keys(owner, singles)]
    together = [keys(owner, pair) for owner in hashes for pair in pairs]
    return " OR ".join(["c.terms && %s", *["c.terms @> %s"] * len(together)]), (alone, *together)


ALL_CHUNKS = "SELECT coalesce(sum(chunks), 0) FROM knowledge_termstat WHERE term = 0"


def uses_hnsw(scope: Scope, dense: Dense) -> bool:
    if scope.chunks <= EXACT_UP_TO or dense.dimensions > MOST_INDEXED:
        return False
    if scope.chunks > EXACT_AT_LEAST_UP_TO:
        return True
    with connection.cursor() as cursor:
        cursor.execute(ALL_CHUNKS)
        return scope.chunks >= LEAST_SHARE * cursor.fetchone()[0]


# Without sorting, the only way to an order is the index.
LOOK = """
SELECT set_config('enable_sort', 'off', true), set_config('hnsw.ef_search', %s, true),
    set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('hnsw.max_scan_tuples', '100000', true)
"""
LOOK_NO_MORE = "SELECT set_config('enable_sort', 'on', true)"


@contextmanager
def looking_around(limit: int) -> Iterator[None]:
    """Makes the planner take the HNSW index, and HNSW look on until it has enough of ours."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOOK, [str(min(1000, max(EF_SEARCH, 2 * limit)))])
        yield
        cursor.execute(LOOK_NO_MORE)


def run(ranked: str, parameters: Parameters) -> list[Row]:
    """Planned for these parameters: a plan that is kept for all would have to guess how many rows
    an audience has, and guesses badly."""
    with connection.cursor() as cursor:
        found: Any = cursor.cursor
        found.execute(FOUND.format(ranked=ranked), parameters, prepare=False)
        rows: list[Row] = found.fetchall()
        return rows
