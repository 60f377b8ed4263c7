"""The fastest SQL we know for what a search finds, by hand, prepared, on a connection of its own.

What it is given was made before: the query's vector, and its terms with their weights. And OR of a
tsquery with ts_rank, as the service would ask it.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from knowledge import lexical, ranking
from knowledge.models import EVERY_CHUNK

Row = tuple[Any, ...]

SHOWN = """
SELECT c.id, best.score, c.content, c.position, c.page, c.section,
    s.id, s.source_type, s.title, s.filename, s.tags, s.metadata::text
FROM ({best}) AS best JOIN knowledge_chunk c ON c.id = best.id
JOIN knowledge_source s ON s.id = c.source_id ORDER BY best.score DESC
"""
MODEL = "e.model = 'all-MiniLM-L6-v2-int8'"
FEW = {
    "semantic": f"""
        SELECT id, score FROM (
            SELECT e.chunk_id AS id, -(e.vector <#> %(vector)s::halfvec) AS score
            FROM knowledge_embedding e WHERE e.audience = ANY (%(readers)s) AND {MODEL} OFFSET 0
        ) AS x ORDER BY score DESC LIMIT 10""",
    "text": """
        SELECT id, score FROM (
            SELECT id, -(sparse <#> %(words)s::sparsevec) AS score
            FROM knowledge_chunk WHERE audience = ANY (%(readers)s) OFFSET 0
        ) AS x WHERE score > 0 ORDER BY score DESC LIMIT 10""",
    "hybrid": f"""
        SELECT id, sum(score) AS score FROM (
            SELECT e.chunk_id AS id, greatest(0, -(e.vector <#> %(vector)s::halfvec)) / 2 AS score
            FROM knowledge_embedding e WHERE e.audience = ANY (%(readers)s) AND {MODEL}
            UNION ALL SELECT id, -(sparse <#> %(words)s::sparsevec) / 2
            FROM knowledge_chunk WHERE audience = ANY (%(readers)s)
        ) AS x GROUP BY id ORDER BY score DESC LIMIT 10""",
}
NEAR = f"""
    SELECT e.chunk_id AS id, -(e.vector::halfvec(384) <#> %(vector)s::halfvec(384)) AS score
    FROM knowledge_embedding e WHERE e.audience = ANY (%(readers)s) AND {MODEL}
    ORDER BY e.vector::halfvec(384) <#> %(vector)s::halfvec(384) LIMIT """
SAID = """
    SELECT id, score FROM (
        SELECT id, -(sparse <#> %(words)s::sparsevec) AS score
        FROM knowledge_chunk
        WHERE ({candidates}) AND (audience = ANY (%(readers)s)) IS TRUE OFFSET 0
    ) AS x ORDER BY score DESC LIMIT """
BOTH = f"""
    SELECT c.id, (greatest(0, -(e.vector <#> %(vector)s::halfvec))
        - (c.sparse <#> %(words)s::sparsevec)) / 2 AS score
    FROM knowledge_chunk c JOIN knowledge_embedding e ON e.chunk_id = c.id AND {MODEL}
    WHERE c.id = ANY (ARRAY(
        SELECT id FROM ({{near}}) AS near UNION SELECT id FROM ({{said}}) AS said))
    ORDER BY score DESC LIMIT 10"""
FEW_SETTINGS = (
    "plan_cache_mode = force_generic_plan",
    "enable_seqscan = off",
    "max_parallel_workers_per_gather = 0",
)
NEAR_SETTINGS = ("enable_sort = off", "hnsw.ef_search = 800", "hnsw.iterative_scan = relaxed_order")
COUNTS = """
SELECT term, sum(chunks) FROM knowledge_termstat
WHERE audience = ANY (%s) AND term = ANY (%s) GROUP BY term"""
TSQUERY = SHOWN.format(
    best="""
    SELECT id, ts_rank(tsv, q) AS score
    FROM bench_text, to_tsquery('english', %s) AS q
    WHERE audience = ANY (%s) AND tsv @@ q ORDER BY score DESC LIMIT 10"""
)
TSVECTORS = (
    "CREATE TABLE bench_text AS SELECT id, audience, to_tsvector('english', content) AS tsv"
    " FROM knowledge_chunk",
    "CREATE INDEX ON bench_text USING gin (tsv)",
    "CREATE INDEX ON bench_text (audience)",
    "VACUUM ANALYZE bench_text",
)


class Bare:
    """A connection beside Django's, to the same database, for one kind of search."""

    def __init__(self, type: str, chunks: int, readers: Sequence[UUID]) -> None:
        self.type, self.readers, self.is_few = type, list(readers), chunks <= 10_000
        info = connection.cursor().connection.info
        self.connection = psycopg.connect(
            f"{info.dsn} password={info.password}", autocommit=True, prepare_threshold=0
        )
        for each in self.settings():
            self.connection.execute(f"SET {each}".encode())

    def settings(self) -> Sequence[str]:
        if self.is_few:
            return FEW_SETTINGS
        if self.type == "semantic":
            return (FEW_SETTINGS[0], *NEAR_SETTINGS)
        return () if self.type == "text" else NEAR_SETTINGS

    def question(self, query: str, vector: Sequence[float]) -> tuple[bytes, dict[str, Any]]:
        counted = lexical.count_query(query)
        terms = [EVERY_CHUNK, *counted]
        stats: dict[int, int] = dict(
            self.connection.execute(COUNTS, [self.readers, terms]).fetchall()
        )
        weights = lexical.query_weights(counted, stats, stats[EVERY_CHUNK])
        values = {
            "readers": self.readers,
            "vector": "[" + ",".join(f"{value:.6g}" for value in vector) + "]",
            "words": lexical.to_sparsevec(weights),
        }
        if self.is_few:
            return SHOWN.format(best=FEW[self.type]).encode(), values
        singles, pairs = ranking.Lexical(weights, stats).telling(ranking.MOST_CANDIDATES)
        best = {
            "semantic": NEAR + "10",
            "text": self.said(singles, pairs) + "10",
            "hybrid": BOTH.format(near=NEAR + "200", said=self.said(singles, pairs) + "200"),
        }
        return SHOWN.format(best=best[self.type]).encode(), values

    def said(self, singles: Sequence[int], pairs: Sequence[tuple[int, int]]) -> str:
        """The account's lists alone: nothing is shared here."""
        high = self.readers[0].int & 0x7FFFFFFF
        keys = [",".join(str(high << 32 | term) for term in each) for each in (singles, *pairs)]
        contains = chain(["&&"], ["@>"] * len(pairs))
        conditions = [
            f"terms {how} '{{{key}}}'::bigint[]" for how, key in zip(contains, keys, strict=True)
        ]
        return SAID.format(candidates=" OR ".join(conditions))

    def ask(self, sql: bytes, values: dict[str, Any]) -> list[Row]:
        return self.connection.execute(sql, values).fetchall()


def by_tsquery(readers: Sequence[UUID], query: str) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(TSQUERY, [" | ".join(re.findall(r"\w+", query)), list(readers)])
        return cursor.fetchall()


def make_tsvectors() -> None:
    with connection.cursor() as cursor:
        for each in TSVECTORS:
            cursor.execute(each)
