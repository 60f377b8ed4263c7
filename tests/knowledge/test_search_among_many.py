"""Complete, right, and one's own and shared knowledge only, however much of others' there is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from accounts.models import User
from knowledge import exact, lexical, ranking
from knowledge import search as knowledge_search
from knowledge.embedders import Vectors, embedder
from knowledge.filters import Filters
from knowledge.models import EmbeddingModel, Source, TermStat
from knowledge.search import Found, SearchType, search
from knowledge.statements import PLANNED_ANEW, Row, Statement, Way, run
from tests.knowledge import crowd
from tests.knowledge.crowd import Crowd

QUERIES = [
    "How do I keep penguins warm?",
    "word17 invoices paid",
    "When are the backups written?",
    "the error of a compiler word2048",
    "vacation days of employees",
]
TYPES = list(SearchType)


@dataclass
class Many:
    small: Crowd  # an account of 50 chunks
    shared: Crowd  # 20 that everyone may see
    large: Crowd  # an account of 20,000

    @property
    def visible_to_small(self) -> list[Crowd]:
        return [self.small, self.shared]


@pytest.fixture(scope="module")
def many(committed_database: None, django_db_blocker: Any) -> Iterator[Many]:
    with django_db_blocker.unblock():
        users = [User.objects.create_user(f"{name}@crowd.test") for name in ("s", "c", "l")]
        base = crowd.base_vectors()
        crowd.drop_index()
        made = Many(
            Crowd(users[0], 50, base, 1),
            Crowd(users[1], 20, base, 2),
            Crowd(users[2], 20_000, base, 3),
        )
        made.small.store()
        made.shared.store("shared")
        made.large.store()
        crowd.rebuild_index()
        yield made
        crowd.drop_index()
        for user in users:
            user.delete()
        assert not Source.objects.exists()
        assert not TermStat.objects.exists()
        crowd.rebuild_index()
        EmbeddingModel.objects.all().delete()
        connection.close()


@pytest.fixture(autouse=True)
def database(many: Many, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def true_scores(crowds: list[Crowd], query: str, type: SearchType) -> list[float]:
    """What each visible chunk scores, computed without the database, the best first."""
    vectors: Vectors = np.concatenate([each.vectors for each in crowds])
    weights = [weight for each in crowds for weight in each.weights]
    cosines = np.clip(vectors @ embedder().embed_query(query), 0, None)
    chunks_with = {
        term: sum(term in weight for weight in weights) for term in lexical.count_query(query)
    }
    wanted = lexical.query_weights(lexical.count_query(query), chunks_with, len(weights))
    said = np.array([sum(w.get(t, 0) * x for t, x in wanted.items()) for w in weights])
    scores = {
        SearchType.SEMANTIC: cosines,
        SearchType.TEXT: said[said > 0],
        SearchType.HYBRID: 0.5 * cosines + 0.5 * said,
    }[type]
    return sorted(map(float, scores), reverse=True)


def scores(found: list[Found]) -> list[float]:
    return [each.score for each in found]


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("query", QUERIES)
def test_a_small_account_gets_all_and_exactly_its_own(
    many: Many, query: str, type: SearchType
) -> None:
    found = search(many.small.owner, query, type, limit=50)
    expected = true_scores(many.visible_to_small, query, type)[:50]
    assert scores(found) == pytest.approx(expected, abs=1e-4)
    seen = {text for each in many.visible_to_small for text in each.texts}
    assert {each.content for each in found} <= seen


@pytest.mark.parametrize("type", TYPES)
def test_filters_leave_nothing_out(many: Many, type: SearchType) -> None:
    found = search(many.small.owner, "penguins pump", type, Filters(tags=["crowd"]), limit=50)
    expected = true_scores(many.visible_to_small, "penguins pump", type)[:50]
    assert scores(found) == pytest.approx(expected, abs=1e-4)
    assert search(many.large.owner, "penguins pump", type, Filters(tags=["none"])) == []


@pytest.mark.parametrize("type", TYPES)
def test_one_source_of_a_large_account(many: Many, type: SearchType) -> None:
    source = Source.objects.filter(owner=many.large.owner).order_by("id")[3]
    filters = Filters(source_ids=[source.public_id])
    found = search(many.large.owner, "warm penguins", type, filters, limit=10)
    assert len(found) == 10
    assert {each.source_id for each in found} == {source.id}


@pytest.mark.parametrize("type", TYPES)
def test_a_large_account_by_its_indexes(
    many: Many, type: SearchType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same chunks as exact search finds, but for two in a hundred."""
    same = 0
    for query in QUERIES:
        nearly = search(many.large.owner, query, type, limit=10)
        with monkeypatch.context() as patch:
            patch.setattr(knowledge_search, "EXACT_UP_TO", 10**9)
            exactly = search(many.large.owner, query, type, limit=10)
        worst = exactly[-1].score - 1e-6  # of chunks that score alike, any will do
        same += sum(each.score >= worst for each in nearly)
        assert len(nearly) == 10
    assert same >= 0.98 * 10 * len(QUERIES)


@pytest.mark.parametrize("type", [SearchType.TEXT, SearchType.HYBRID])
def test_candidates_may_come_from_pairs_of_common_words(
    many: Many, type: SearchType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the account's words and of those that everyone's chunks have."""
    monkeypatch.setattr(ranking, "MOST_CANDIDATES", 100)
    found = search(many.large.owner, "the pump must be primed, the valve opened", type)
    assert len(found) == 10
    assert all("pump" in each.content for each in found)


def test_a_rare_word_does_not_hide_what_has_the_others(many: Many) -> None:
    """The candidates of a large account come from rare words first: of this there is one."""
    [rare] = [text.split()[-1] for text in many.large.texts[:1]]
    found = search(many.large.owner, f"{rare}x penguins", SearchType.TEXT, limit=50)
    assert len(found) == 50
    assert all("enguins" in each.content for each in found)
    rare_only = search(many.large.owner, f"{rare} penguins", SearchType.TEXT, limit=50)
    assert rare in rare_only[0].content
    assert len(rare_only) == 50


@pytest.mark.parametrize("type", TYPES)
def test_the_way_to_a_large_account_is_an_index(
    many: Many, type: SearchType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def look(ranked: Statement, way: Way = PLANNED_ANEW) -> list[Any]:
        seen.append(plan_of(ranked, way))
        return []

    monkeypatch.setattr(ranking, "best", look)
    search(many.large.owner, "invoices paid word17", type)
    plan = seen[0]  # a text search that finds too little looks again
    if type != SearchType.TEXT:
        assert "knowledge_embedding_all_minilm_l6_v2_int8" in plan
    if type != SearchType.SEMANTIC:
        assert "chunks_with_a_term" in plan


@pytest.mark.parametrize("type", TYPES)
def test_the_way_to_a_small_account_is_its_own_rows(
    many: Many, type: SearchType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the plan that is kept for all accounts, though most rows are of a large one."""
    seen: list[str] = []

    def look(sql: str, parameters: Any, way: Way) -> list[Row]:
        assert way.prepare
        seen.append(kept_plan_of(sql, way))
        return run(sql, parameters, way)

    monkeypatch.setattr(exact, "run", look)
    search(many.small.owner, "invoices paid word17", type)
    [plan] = seen
    assert "Seq Scan" not in plan
    assert ("embeddings_of_an_audience" in plan) == (type != SearchType.TEXT)
    assert ("chunks_of_an_audience" in plan) == (type != SearchType.SEMANTIC)


def plan_of(ranked: Statement, way: Way) -> str:
    lines = run(f"EXPLAIN {ranked.sql}", ranked.parameters, way)
    return "\n".join(line for (line,) in lines)


def kept_plan_of(sql: str, way: Way) -> str:
    numbers = count(1)
    numbered = re.sub("%s", lambda _: f"${next(numbers)}", sql)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(way.there)
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {numbered}")
        return "\n".join(line for (line,) in cursor.fetchall())
