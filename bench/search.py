"""What a search costs: `.venv/bin/python bench/search.py DIR [--chunks N] [--queries N]`.

DIR is a data set in BEIR's layout, Cranfield for one. Its passages, with noise, fill accounts of
50,000, 1,000 and 50 chunks among others. Prints, for each account and type: the search service's
median and p95, the same over the bare embedding call and the fastest SQL we know for these rows,
and how much of the exact answer it finds; text search against a tsquery with OR and ts_rank; how
time grows with foreign chunks; and one account that has everything.
"""

import argparse
import atexit
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)
FOLDER = Path(tempfile.mkdtemp(prefix="chatbot-bench-", dir="/tmp"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
FOLDER.chmod(0o711)  # PostgreSQL may run as another user
os.environ |= {
    "CHATBOT_DATA_DIR": str(FOLDER),
    "DJANGO_SETTINGS_MODULE": "chatbot_project.settings",
}

from uuid import UUID  # noqa: E402

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import User  # noqa: E402
from bench import crowd  # noqa: E402
from chatbot_project.embedded.services import running  # noqa: E402
from knowledge import evaluation, lexical, ranking, term_stats, vectors  # noqa: E402
from knowledge.embedders import embedder  # noqa: E402
from knowledge.filters import Filters  # noqa: E402
from knowledge.models import EVERY_CHUNK  # noqa: E402
from knowledge.ranking import Scope  # noqa: E402
from knowledge.search import SearchType, find  # noqa: E402

LIMIT = 10
TYPES = (SearchType.SEMANTIC, SearchType.TEXT, SearchType.HYBRID)
Timings = list[float]  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=50)
    asked = parser.parse_args()
    dataset = evaluation.load(asked.folder)
    queries = list(dataset.queries.values())[: asked.queries]
    with running(["postgres"], settings.DATA_DIR):
        call_command("migrate", verbosity=0)
        maker = crowd.Maker(crowd.passages(dataset, ROOT / "var" / "bench" / "passages.npy"))
        run(maker, asked.chunks, queries)
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]


def run(maker: crowd.Maker, chunks: int, queries: list[str]) -> None:
    users = [User.objects.create_user(f"{name}@bench.test") for name in "abcd"]
    small, middle, large, others = users
    tenth = chunks // 10
    crowd.load(maker, [(small, 50), (middle, 1_000), (others, tenth - 1_050)])
    few = {type: times(partial(service, [middle.id], type), queries) for type in TYPES}
    crowd.load(maker, [(large, chunks // 2), (others, chunks // 2 - tenth)])
    make_tsvectors()
    embedding = times(embedder().embed_query, queries)
    print(f"{chunks:,} chunks; the bare embedding call: {milliseconds(embedding)} ms\n")
    print("| account | type | median ms | p95 ms | ratio median | ratio p95 | recall@10 |")
    print("|---|---|---|---|---|---|---|")
    for name, user in (("50", small), ("1,000", middle), (f"{chunks // 2:,}", large)):
        for type in TYPES:
            print_row(name, [user.id], type, queries)
    print("\ntext search over OR-tsquery with ts_rank, median:")
    for name, user in (("50", small), ("1,000", middle), (f"{chunks // 2:,}", large)):
        ours = times(partial(service, [user.id], SearchType.TEXT), queries)
        theirs = times(partial(by_tsquery, user.id), queries)
        print(f"  {name}: {milliseconds(ours)} / {milliseconds(theirs)} ms")
    print(f"\n1,000 chunks among {tenth:,} and among {chunks:,}, median ms:")
    for type in TYPES:
        many = times(partial(service, [middle.id], type), queries)
        growth = statistics.median(many) / statistics.median(few[type])
        print(f"  {type}: {milliseconds(few[type])} -> {milliseconds(many)} ({growth:.2f})")
    print(f"\none reader of all {chunks:,}, median and p95 ms:")
    for type in TYPES:
        taken = times(partial(service, [user.id for user in users], type), queries)
        print(f"  {type}: {milliseconds(taken)}, {1000 * p95(taken):.1f}")


def print_row(name: str, readers: list[UUID], type: SearchType, queries: list[str]) -> None:
    """Service, embedding call and SQL take turns: what else the machine does falls on all alike."""
    taken = [times_of(readers, query, type) for query in queries]
    service_times, floor = [ours for ours, _ in taken], [theirs for _, theirs in taken]
    ratios = (
        statistics.median(service_times) / statistics.median(floor),
        p95(service_times) / p95(floor),
    )
    found = statistics.mean(recall(readers, query, type) for query in queries)
    print(
        f"| {name} | {type} | {milliseconds(service_times)} | {1000 * p95(service_times):.1f} "
        f"| {ratios[0]:.2f} | {ratios[1]:.2f} | {found:.3f} |",
        flush=True,
    )


def times_of(readers: Sequence[UUID], query: str, type: SearchType) -> tuple[float, float]:
    """Seconds of the service, and of the bare embedding call with the SQL, its parameters made
    before; of each the best of five."""
    ours, embedding, bare = [], [], []
    sql, parameters, with_index = bare_sql(readers, query, type)
    for _ in range(5):
        ours.append(timed(partial(service, readers, type, query)))
        embedding.append(timed(partial(embedder().embed_query, query)))
        bare.append(time_of_sql(sql, parameters, with_index))
    return min(ours), min(embedding) + min(bare)


def time_of_sql(sql: str, parameters: Any, with_index: bool) -> float:
    with connection.cursor() as cursor:
        cursor.execute(f"SET enable_sort = {'off' if with_index else 'on'}")
        cursor.execute(f"SET hnsw.ef_search = {ranking.EF_SEARCH}")
        cursor.execute("SET hnsw.iterative_scan = relaxed_order")
        taken = timed(lambda: cursor.execute(sql, parameters).fetchall())
        cursor.execute("RESET ALL")
    return taken


def service(readers: Sequence[UUID], type: SearchType, query: str) -> list[UUID]:
    return [found.id for found in find(readers, query, type, Filters(), LIMIT)]


def recall(readers: Sequence[UUID], query: str, type: SearchType) -> float:
    """Share of the exact answer's chunks, or of ones that score as well."""
    nearly = find(readers, query, type, Filters(), LIMIT)
    threshold, ranking.EXACT_UP_TO = ranking.EXACT_UP_TO, 10**9
    try:
        exactly = find(readers, query, type, Filters(), LIMIT)
    finally:
        ranking.EXACT_UP_TO = threshold
    worst = exactly[-1].score - 1e-6 if exactly else 0.0
    return sum(found.score >= worst for found in nearly) / max(1, len(exactly))


def bare_sql(readers: Sequence[UUID], query: str, type: SearchType) -> tuple[str, Any, bool]:
    scope = Scope(readers, sum(chunks_of(reader) for reader in readers))
    counted = lexical.count_query(query)
    stats = term_stats.read(readers, [EVERY_CHUNK, *counted])
    words = ranking.Lexical(lexical.query_weights(counted, stats, scope.chunks), stats)
    vector = vectors.to_text(embedder().embed_query(query))
    dense = ranking.Dense(embedder().name, 384, vector)
    uses_index = scope.chunks > ranking.EXACT_UP_TO
    if type == SearchType.TEXT:
        return (*ranking.ranked_by_words(scope, words, LIMIT), False)
    near = ranking.nearly_by_meaning if uses_index else ranking.exactly_by_meaning
    if type == SearchType.SEMANTIC:
        return (*near(scope, dense, LIMIT), uses_index)
    if uses_index:
        pool = near(scope, dense, ranking.POOL)
        return (*ranking.pooled(pool, scope, dense, words, LIMIT), True)
    return (*ranking.exactly_by_both(scope, dense, words, LIMIT), False)


def chunks_of(reader: UUID) -> int:
    return term_stats.read([reader], [EVERY_CHUNK]).get(EVERY_CHUNK, 0)


def make_tsvectors() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_text AS SELECT id, audience, "
            "to_tsvector('english', content) AS tsv FROM knowledge_chunk"
        )
        cursor.execute("CREATE INDEX ON bench_text USING gin (tsv)")
        cursor.execute("CREATE INDEX ON bench_text (audience)")
        cursor.execute("VACUUM ANALYZE bench_text")


def by_tsquery(reader: UUID, query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id, c.content FROM (SELECT id, ts_rank(tsv, q) AS rank FROM bench_text, "
            "to_tsquery('english', %s) AS q WHERE audience = %s AND tsv @@ q "
            "ORDER BY rank DESC LIMIT %s) t JOIN knowledge_chunk c USING (id)",
            [" | ".join(word for word in query.split() if word.isalnum()), reader, LIMIT],
        )
        return cursor.fetchall()


def times(call: Callable[[str], Any], queries: Sequence[str]) -> Timings:
    """Of each query the best of three: what else the machine does is not the question."""
    call(queries[0])
    return [min(timed(lambda: call(query)) for _ in range(3)) for query in queries]  # noqa: B023


def timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def milliseconds(taken: Timings) -> str:
    return f"{1000 * statistics.median(taken):.1f}"


def p95(taken: Timings) -> float:
    return sorted(taken)[int(0.95 * (len(taken) - 1))]


if __name__ == "__main__":
    main()
