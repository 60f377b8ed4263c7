"""Search among few chunks: every one is scored, by a statement that reads the terms' counts too.

A small account among millions of foreign chunks gets complete results; and it gets them in less
time than planning would take, or asking how rare the terms are before.
"""

import json
from collections.abc import Mapping

from knowledge.models import DIMENSIONS, EVERY_CHUNK
from knowledge.statements import (
    FOUND,
    IN_ORDER,
    PLANNED_ANEW,
    SHOWN,
    Dense,
    Parameters,
    Row,
    Scope,
    Statement,
    Way,
    array,
    run,
)
from knowledge.vectors import quoted

# Planned once a connection, for any audience: how many chunks one has would be a guess, and these
# leave no choice that it could spoil.
THROUGH_AUDIENCE = Way(
    {
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        "max_parallel_workers_per_gather": "0",
        "jit": "off",
    },
    prepare=True,
)

# The query's side of BM25, as in `lexical.query_weights`. Where there are more chunks than asked
# for, there are no `few`, and nothing is scored.
QUERY = f"""
WITH stat AS MATERIALIZED (
    SELECT term, sum(chunks) AS chunks FROM knowledge_termstat
    WHERE audience = ANY (%s::uuid[]) AND term = ANY (%s::integer[]) GROUP BY term
),
few AS MATERIALIZED (
    SELECT chunks::float8 FROM stat WHERE term = {EVERY_CHUNK} AND chunks <= %s::float8
),
query AS MATERIALIZED (
    SELECT ('{{' || string_agg(term || ':' || rarity::real, ',') || '}}/{DIMENSIONS}')::sparsevec
        AS sparse, sum(rarity) AS most
    FROM (
        SELECT term, frequency * ln(1 + greatest(few.chunks - had + 0.5, 0.5) / (had + 0.5))
            AS rarity
        FROM few, (
            SELECT term, frequency, coalesce(chunks, 0)::float8 AS had
            FROM unnest(%s::integer[], %s::integer[]) AS asked (term, frequency)
            LEFT JOIN stat USING (term)
        ) AS asked
    ) AS weighed
)
"""  # noqa: S608
FOUND_FEW = f"""
SELECT {SHOWN}, known.stats
FROM (SELECT coalesce(jsonb_object_agg(term, chunks), '{{{{}}}}')::text AS stats FROM stat) AS known
LEFT JOIN ({FOUND}) ON true {IN_ORDER}
"""  # noqa: S608
MEANT = """
SELECT e.chunk_id AS id, -(e.vector <#> %s::halfvec) AS score
FROM knowledge_embedding e
WHERE EXISTS (SELECT FROM few) AND {condition} AND e.model = {model}
"""
# 0 for a query without terms: a NULL would be the best score of all.
SAID = """
SELECT c.id,
    coalesce(-(c.sparse <#> (SELECT sparse FROM query)) / (SELECT most FROM query), 0) AS score
FROM knowledge_chunk c WHERE EXISTS (SELECT FROM few) AND {condition}
"""
# OFFSET 0: each score is computed once, and not for the condition and the order anew.
BY_MEANING = """
SELECT id, greatest(0, score) AS score FROM ({meant} OFFSET 0) AS meant
ORDER BY meant.score DESC LIMIT {limit}
"""
BY_WORDS = """
SELECT id, score FROM ({said} OFFSET 0) AS said WHERE score > 0 ORDER BY score DESC LIMIT {limit}
"""
# No join of the two: a chunk that has no embedding yet is found by its words.
BY_BOTH = """
SELECT id, sum(share) AS score FROM (
    SELECT id, 0.5 * greatest(0, score) AS share FROM ({meant} OFFSET 0) AS meant
    UNION ALL SELECT id, 0.5 * score FROM ({said} OFFSET 0) AS said
) AS halves GROUP BY id ORDER BY score DESC LIMIT {limit}
"""


def search(
    scope: Scope, most: float, dense: Dense | None, counted: Mapping[int, int] | None, limit: int
) -> tuple[Mapping[int, int], list[Row]]:
    """How many of the audiences' chunks have each term, and the best chunks: none of them, where
    the audiences have more than `most`. By meaning without `counted`, by words without `dense`."""
    terms = counted or {}
    asked = (array(scope.audiences), array([EVERY_CHUNK, *terms]))
    query = (*asked, most, array(terms), array(terms.values()))
    best = ranked(scope, dense, counted is not None, limit)
    way = PLANNED_ANEW if scope.sources else THROUGH_AUDIENCE
    rows = run(QUERY + FOUND_FEW.format(ranked=best.sql), (*query, *best.parameters), way)
    stats = {int(term): chunks for term, chunks in json.loads(rows[0][-1]).items()}
    return stats, [row[:-1] for row in rows if row[0]]


def ranked(scope: Scope, dense: Dense | None, by_words: bool, limit: int) -> Statement:
    parameters: Parameters = ()
    meant = said = ""
    if dense:
        condition = scope.condition("e")
        meant = MEANT.format(condition=condition.sql, model=quoted(dense.model))
        parameters += (dense.vector, *condition.parameters)
    if by_words:
        condition = scope.condition("c")
        said = SAID.format(condition=condition.sql)
        parameters += condition.parameters
    best = (BY_BOTH if said else BY_MEANING) if meant else BY_WORDS
    return Statement(best.format(meant=meant, said=said, limit=limit), parameters)
