"""Search among many chunks: which rows, in which order, and by which way to them.

The way is chosen here, by how many chunks there are to choose from, and not by the planner.
Candidates come from indexes: HNSW for meaning, the list of each term for words.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, combinations

from django.db import connection

from knowledge.lexical import audience_hash, keys, to_sparsevec
from knowledge.models import EVERY_CHUNK
from knowledge.statements import (
    FOUND,
    IN_ORDER,
    PLANNED_ANEW,
    SHOWN,
    Dense,
    Row,
    Scope,
    Statement,
    Way,
    run,
)
from knowledge.vectors import MOST_INDEXED, quoted

# HNSW looks for the nearest of all accounts and drops the foreign ones: where ours are less than
# this share of all, it would look at too many, and miss some all the same.
LEAST_SHARE = 0.1
EXACT_AT_LEAST_UP_TO = 100_000  # chunks, for those
MOST_CANDIDATES = 5_000  # chunks that a text search scores, unless its rarest term has more
SINGLES = 0.5  # of these, how many for a single term
MOST_PAIRS = 40
POOL = 200  # of each kind, that a hybrid search by indexes chooses from
EF_SEARCH = 800  # how far HNSW looks around: with 400, it missed all of one query in 45


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


EXACTLY_BY_MEANING = """
SELECT e.chunk_id AS id, greatest(0, -(e.vector <#> %s::halfvec)) AS score
FROM knowledge_embedding e WHERE {condition} AND e.model = {model}
ORDER BY e.vector <#> %s::halfvec, e.chunk_id LIMIT {limit}
"""
BEST = f"SELECT {SHOWN} FROM {FOUND} {IN_ORDER}"  # noqa: S608
NEARLY_BY_MEANING = """
SELECT e.chunk_id AS id, greatest(0, -(e.vector::halfvec({size}) <#> %s::halfvec({size}))) AS score
FROM knowledge_embedding e WHERE {condition} AND e.model = {model}
ORDER BY e.vector::halfvec({size}) <#> %s::halfvec({size}) LIMIT {limit}
"""
# OFFSET 0: each score is computed once, and not for the condition and the order anew.
BY_WORDS = """
SELECT scored.id, scored.score FROM (
    SELECT c.id, -(c.sparse <#> %s::sparsevec) AS score
    FROM knowledge_chunk c WHERE {condition} OFFSET 0
) AS scored WHERE scored.score > 0 ORDER BY scored.score DESC, scored.id LIMIT {limit}
"""
BY_BOTH = """
WITH near AS MATERIALIZED ({near}), said AS MATERIALIZED ({said})
SELECT c.id, 0.5 * greatest(0, coalesce(-(e.vector <#> %s::halfvec), 0))
    - 0.5 * (c.sparse <#> %s::sparsevec) AS score
FROM knowledge_chunk c LEFT JOIN knowledge_embedding e ON e.chunk_id = c.id AND e.model = {model}
WHERE c.id = ANY (ARRAY(SELECT id FROM near UNION SELECT id FROM said))
ORDER BY score DESC, c.id LIMIT {limit}
"""
# Without sorting, the only way to an order is HNSW, which looks on until it has enough of ours.
AROUND = {
    "enable_sort": "off",
    "hnsw.ef_search": str(EF_SEARCH),
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.max_scan_tuples": "100000",
}
HNSW = Way(AROUND)
HNSW_ALONE = Way(AROUND | {"plan_cache_mode": "force_generic_plan"}, prepare=True)


def by_meaning(scope: Scope, dense: Dense, limit: int) -> list[Row]:
    ranked, way = near(scope, dense, limit)
    return best(ranked, HNSW_ALONE if way is HNSW and not scope.sources else way)


def by_words(scope: Scope, words: Lexical, limit: int) -> list[Row]:
    rows = best(said(scope, words, limit))
    if len(rows) < limit and uses_terms(scope, words):  # what was left out may hold the others
        rows = best(said(scope, words, limit, most=math.inf))
    return rows


def by_both(scope: Scope, dense: Dense, words: Lexical, limit: int) -> list[Row]:
    """The best of the best by meaning and the best by words."""
    meant, way = near(scope, dense, POOL)
    spoken = said(scope, words, POOL)
    sql = BY_BOTH.format(near=meant.sql, said=spoken.sql, model=quoted(dense.model), limit=limit)
    parameters = (*meant.parameters, *spoken.parameters, dense.vector, words.sparse)
    return best(Statement(sql, parameters), way)


def best(ranked: Statement, way: Way = PLANNED_ANEW) -> list[Row]:
    return run(BEST.format(ranked=ranked.sql), ranked.parameters, way)


def near(scope: Scope, dense: Dense, limit: int) -> tuple[Statement, Way]:
    condition, values = scope.condition("e")
    nearly = uses_hnsw(scope, dense)
    sql = (NEARLY_BY_MEANING if nearly else EXACTLY_BY_MEANING).format(
        size=dense.dimensions, condition=condition, model=quoted(dense.model), limit=limit
    )
    statement = Statement(sql, (dense.vector, *values, dense.vector))
    return statement, HNSW if nearly else PLANNED_ANEW


def uses_terms(scope: Scope, words: Lexical) -> bool:
    return scope.chunks > candidates_wanted(scope, words)


def candidates_wanted(scope: Scope, words: Lexical) -> float:
    """More, where filters will leave few of them."""
    return MOST_CANDIDATES * words.chunks / scope.chunks


def said(scope: Scope, words: Lexical, limit: int, most: float = 0) -> Statement:
    condition, values = scope.condition("c")
    if uses_terms(scope, words):
        chosen, having = candidates(scope, words, most or candidates_wanted(scope, words))
        # IS TRUE: not by the index of audiences. The terms' is enough, its keys are the audience's.
        condition, values = f"({condition}) IS TRUE AND ({chosen})", (*values, *having)
    return Statement(BY_WORDS.format(condition=condition, limit=limit), (words.sparse, *values))


def candidates(scope: Scope, words: Lexical, most: float) -> Statement:
    """The condition on a chunk's terms that makes it a candidate."""
    hashes = [audience_hash(audience) for audience in scope.audiences]
    singles, pairs = words.telling(most)
    alone = [key for owner in hashes for key in keys(owner, singles)]
    together = [keys(owner, pair) for owner in hashes for pair in pairs]
    conditions = ["c.terms && %s::bigint[]", *["c.terms @> %s::bigint[]"] * len(together)]
    return Statement(" OR ".join(conditions), (alone, *together))


ALL_CHUNKS = "SELECT coalesce(sum(chunks), 0) FROM knowledge_termstat WHERE term = 0"


def uses_hnsw(scope: Scope, dense: Dense) -> bool:
    if dense.dimensions > MOST_INDEXED:
        return False
    if scope.chunks > EXACT_AT_LEAST_UP_TO:
        return True
    with connection.cursor() as cursor:
        cursor.execute(ALL_CHUNKS)
        return scope.chunks >= LEAST_SHARE * cursor.fetchone()[0]
