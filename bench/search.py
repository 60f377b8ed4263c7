"""What a search costs: `.venv/bin/python bench/search.py DIR [--chunks N] [--data FOLDER]`.

DIR is a data set in BEIR's layout, Cranfield for one. Its passages, with noise, fill accounts of
50,000, 1,000 and 50 chunks among others, and one account of all. Prints, for each account and type:
the search service's median and p95, the same over the bare embedding call and the fastest SQL we
know for these rows (bare_search.py), and how much of the exact answer it finds; text search against
a tsquery with OR and ts_rank; how time grows with foreign chunks; and the one account that has
everything. Times are of the first --queries of the set, recall is of all. `--data` keeps the
databases in a folder, for the next run.
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

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=Path, metavar="DIR")
parser.add_argument("--chunks", type=int, default=100_000)
parser.add_argument("--queries", type=int, default=50)
parser.add_argument("--data", type=Path)
asked = parser.parse_args()
if asked.data is None:
    asked.data = Path(tempfile.mkdtemp(prefix="chatbot-bench-", dir="/tmp"))
    atexit.register(shutil.rmtree, asked.data, ignore_errors=True)
asked.data.mkdir(exist_ok=True)
asked.data.chmod(0o711)  # PostgreSQL may run as another user
os.environ |= {
    "CHATBOT_DATA_DIR": str(asked.data),
    "DJANGO_SETTINGS_MODULE": "chatbot_project.settings",
}

from uuid import UUID  # noqa: E402

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402

from accounts.models import User  # noqa: E402
from bench import crowd, databases  # noqa: E402
from bench.bare_search import Bare, by_tsquery, make_tsvectors  # noqa: E402
from chatbot_project.embedded.services import running  # noqa: E402
from knowledge import evaluation  # noqa: E402
from knowledge import search as knowledge_search  # noqa: E402
from knowledge.embedders import embedder  # noqa: E402
from knowledge.filters import Filters  # noqa: E402
from knowledge.models import audiences  # noqa: E402
from knowledge.search import Found, SearchType, find  # noqa: E402

LIMIT = 10
TYPES = (SearchType.SEMANTIC, SearchType.TEXT, SearchType.HYBRID)
Timings = list[float]  # seconds


def main() -> None:
    dataset = evaluation.load(asked.folder)
    queries = list(dataset.queries.values())
    with running(["postgres"], settings.DATA_DIR):
        run(dataset, asked.chunks, queries[: asked.queries], queries)
        databases.leave()


def run(
    dataset: evaluation.Dataset, chunks: int, queries: list[str], all_queries: list[str]
) -> None:
    tenth, half = chunks // 10, chunks // 2
    fixed = {"small": 50, "middle": 1_000}
    few = fixed | {"others": tenth - 1_050}
    many = fixed | {"large": half, "others": chunks - half - 1_050}
    # All are made before anything is timed.
    databases.use(f"one_{chunks}", partial(fill, dataset, {"all": chunks}))
    databases.use(f"among_{chunks}", partial(fill, dataset, many))
    databases.use(f"among_{tenth}", partial(fill, dataset, few))
    before = {type: times(service("middle", type), queries) for type in TYPES}
    databases.go_to(f"among_{chunks}")
    embedding = times(embedder().embed_query, queries)
    print(f"{chunks:,} chunks; the bare embedding call: {milliseconds(embedding)} ms\n")
    print("| account | type | ms | p95 | SQL ms | p95 | embedding + SQL: ratio | p95 | recall@10 |")
    print("|---|---|---|---|---|---|---|---|---|")
    accounts = {"small": 50, "middle": 1_000, "large": half}
    for name, size in accounts.items():
        for type in TYPES:
            print_row(name, size, type, queries, all_queries)
    print("\ntext search over OR-tsquery with ts_rank, median and p95 ms:")
    print_beside_tsquery(accounts, queries)
    print(f"\n1,000 chunks among {tenth:,} and among {chunks:,}, median ms:")
    for type in TYPES:
        after = times(service("middle", type), queries)
        growth = statistics.median(after) / statistics.median(before[type])
        print(f"  {type}: {milliseconds(before[type])} -> {milliseconds(after)} ({growth:.2f})")
    databases.go_to(f"one_{chunks}")
    print(f"\none account of all {chunks:,}, median and p95 ms, recall@10:")
    for type in TYPES:
        taken = times(service("all", type), queries)
        found = statistics.mean(recall("all", type, query) for query in all_queries)
        print(f"  {type}: {milliseconds(taken)}, {1000 * p95(taken):.1f}, {found:.3f}", flush=True)


def fill(dataset: evaluation.Dataset, sizes: dict[str, int]) -> None:
    maker = crowd.Maker(crowd.passages(dataset, ROOT / "var" / "bench" / "passages.npy"))
    owners = [(User.objects.create_user(f"{name}@bench.test"), n) for name, n in sizes.items()]
    crowd.load(maker, owners)
    make_tsvectors()


def readers(name: str) -> list[UUID]:
    return audiences(User.objects.get(email=f"{name}@bench.test"))


def print_row(
    name: str, size: int, type: SearchType, queries: list[str], all_queries: list[str]
) -> None:
    """Service, embedding call and SQL take turns: what else the machine does falls on all alike."""
    bare = Bare(type, size, readers(name))
    taken = [times_of(name, type, bare, query) for query in queries]
    service_times, embedding, sql = (list(column) for column in zip(*taken, strict=True))
    floor = [sum(both) for both in zip(embedding, sql, strict=True)]
    ratio = statistics.median(service_times) / statistics.median(floor)
    found = statistics.mean(recall(name, type, query) for query in all_queries)
    print(
        f"| {size:,} | {type} | {milliseconds(service_times)} | {1000 * p95(service_times):.1f} "
        f"| {milliseconds(sql)} | {1000 * p95(sql):.1f} "
        f"| {ratio:.2f} | {p95(service_times) / p95(floor):.2f} | {found:.3f} |",
        flush=True,
    )


def times_of(name: str, type: SearchType, bare: Bare, query: str) -> Timings:
    """Of the service, of the bare embedding call and of the SQL."""
    sql, values = bare.question(query, embedder().embed_query(query).tolist())
    search = service(name, type)
    require_same(search(query), bare.ask(sql, values))
    return in_turn(
        lambda: search(query),
        lambda: embedder().embed_query(query),
        lambda: bare.ask(sql, values),
    )


def require_same(found: list[Found], rows: list[tuple[UUID, float]]) -> None:
    theirs = [row[1] for row in rows]
    ours = [each.score for each in found]
    assert all(abs(a - b) < 1e-3 for a, b in zip(ours, theirs, strict=True)), (ours, theirs)


def print_beside_tsquery(accounts: dict[str, int], queries: list[str]) -> None:
    both: Timings = [0.0, 0.0]
    for name, size in accounts.items():
        search, tsquery = service(name, SearchType.TEXT), partial(by_tsquery, readers(name))
        taken = [in_turn(partial(search, query), partial(tsquery, query)) for query in queries]
        ours, theirs = (list(column) for column in zip(*taken, strict=True))
        medians = [statistics.median(each) for each in (ours, theirs)]
        both = [sum(each) for each in zip(both, medians, strict=True)]
        print(
            f"  {size:,}: {milliseconds(ours)}, {1000 * p95(ours):.1f} / {milliseconds(theirs)}, "
            f"{1000 * p95(theirs):.1f} ({medians[0] / medians[1]:.2f})",
            flush=True,
        )
    print(f"  the medians' sums: {both[0] / both[1]:.2f}")


def service(name: str, type: SearchType) -> Callable[[str], list[Found]]:
    known = readers(name)
    return lambda query: find(known, query, type, Filters(), LIMIT)


def recall(name: str, type: SearchType, query: str) -> float:
    """Share of the exact answer's chunks, or of ones that score as well."""
    nearly = service(name, type)(query)
    threshold, knowledge_search.EXACT_UP_TO = knowledge_search.EXACT_UP_TO, 10**9
    try:
        exactly = service(name, type)(query)
    finally:
        knowledge_search.EXACT_UP_TO = threshold
    worst = exactly[-1].score - 1e-6 if exactly else 0.0
    return sum(found.score >= worst for found in nearly) / max(1, len(exactly))


def times(call: Callable[[str], object], queries: Sequence[str]) -> Timings:
    """Of each query the best of three: what else the machine does is not the question."""
    call(queries[0])
    return [min(timed(lambda: call(query)) for _ in range(3)) for query in queries]  # noqa: B023


def in_turn(*calls: Callable[[], object]) -> Timings:
    """Of each the best of five."""
    turns = [[timed(call) for call in calls] for _ in range(5)]
    return [min(column) for column in zip(*turns, strict=True)]


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def milliseconds(taken: Timings) -> str:
    return f"{1000 * statistics.median(taken):.2f}"


def p95(taken: Timings) -> float:
    return sorted(taken)[int(0.95 * (len(taken) - 1))]


if __name__ == "__main__":
    main()
