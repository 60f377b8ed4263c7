"""`manage.py evaluate_search` scores search on a data set in BEIR's layout, and leaves nothing."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from knowledge.evaluation import ndcg, recall
from knowledge.models import Chunk, EmbeddingModel, Source, TermStat

DOCUMENTS = {
    "d1": ("Valves", "A valve is opened by hand. " * 40),
    "d2": ("Penguins", "Penguins huddle together in the cold."),
    "d3": ("", "Bread rises in a warm kitchen."),
}
QUERIES = {"q1": "how to open a valve", "q2": "birds that keep warm", "q3": "nobody judged this"}
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td3\t0\nq2\td2\t1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    corpus = [{"_id": id, "title": t, "text": x} for id, (t, x) in DOCUMENTS.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    queries = [{"_id": id, "text": text} for id, text in QUERIES.items()]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(QRELS)
    return tmp_path


def evaluate(folder: Path) -> dict[str, list[float]]:
    output = io.StringIO()
    call_command("evaluate_search", str(folder), stdout=output, stderr=io.StringIO())
    lines = [line.split() for line in output.getvalue().splitlines()]
    return {type: [float(value) for value in values] for type, *values in lines}


def test_it_prints_a_line_for_each_type(db: None, folder: Path) -> None:
    scores = evaluate(folder)
    assert list(scores) == ["text", "semantic", "hybrid"]
    for type, (gain, found, milliseconds) in scores.items():
        assert milliseconds > 0
        assert (gain, found) == ((0.5, 0.5) if type == "text" else (1.0, 1.0)), type


def test_nothing_is_left(db: None, folder: Path) -> None:
    before = counted()
    evaluate(folder)
    assert counted() == before


def counted() -> list[int]:
    models: list[Any] = [Source, Chunk, TermStat, EmbeddingModel, User]
    return [model._default_manager.count() for model in models]


@pytest.mark.parametrize("broken", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_another_layout_is_refused(db: None, folder: Path, broken: str) -> None:
    (folder / broken).unlink()
    with pytest.raises(CommandError, match="BEIR"):
        evaluate(folder)


def test_the_measures() -> None:
    relevant = {"a": 1, "b": 1, "c": 0}
    assert ndcg(["a", "b", "x"], relevant) == pytest.approx(1)
    assert ndcg(["x", "a"], relevant) == pytest.approx(0.6309 / 1.6309, abs=1e-4)
    assert ndcg(["c"], relevant) == 0
    assert recall(["x", "a"], relevant) == 0.5


def test_cranfield(db: None) -> None:
    folder = Path(os.environ.get("TEST_DATA", "../shared/data")) / "cranfield"
    if not folder.exists():
        pytest.skip(f"{folder} is not there: see TEST_DATA")
    scores = evaluate(folder)
    assert scores["text"][0] >= 0.38
    assert scores["semantic"][0] >= 0.395
    assert scores["hybrid"][0] >= 0.44
