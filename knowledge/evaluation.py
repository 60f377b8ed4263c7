"""How good search is on a data set in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/*.tsv."""

import csv
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CUTOFF = 10
DEPTH = 100

Judgements = Mapping[str, Mapping[str, int]]  # the query's id, the document's id, how relevant


@dataclass(frozen=True, slots=True)
class Dataset:
    documents: list[tuple[str, str, str]]  # id, title, text
    queries: dict[str, str]  # those that have a judgement
    judgements: Judgements


def load(folder: Path, split: str = "test") -> Dataset:
    """Raises OSError, KeyError or ValueError for what is not in this layout."""
    judgements = read_judgements(folder / "qrels" / f"{split}.tsv")
    return Dataset(
        documents=[
            (str(line["_id"]), line.get("title") or "", line["text"])
            for line in read_lines(folder / "corpus.jsonl")
        ],
        queries={
            str(line["_id"]): line["text"]
            for line in read_lines(folder / "queries.jsonl")
            if any(judgements.get(str(line["_id"]), {}).values())
        },
        judgements=judgements,
    )


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def read_judgements(path: Path) -> Judgements:
    found: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            if len(row) == 3 and row[2].lstrip("-").isdigit():  # not the line of names
                found.setdefault(row[0], {})[row[1]] = int(row[2])
    return found


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], cutoff: int = CUTOFF) -> float:
    """Normalized discounted cumulative gain (Jaervelin and Kekaelaeinen 2002), linear gains, as
    trec_eval's ndcg_cut computes it."""
    gains = [max(0, relevant.get(document, 0)) for document in ranked[:cutoff]]
    ideal = sorted((gain for gain in relevant.values() if gain > 0), reverse=True)[:cutoff]
    best = discounted(ideal)
    return discounted(gains) / best if best else 0.0


def discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def recall(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = DEPTH) -> float:
    wanted = {document for document, gain in relevant.items() if gain > 0}
    return len(wanted.intersection(ranked[:depth])) / len(wanted) if wanted else 0.0


class Stopwatch:
    """Milliseconds that a search takes, in the mean."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.times = 0

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self.seconds += time.perf_counter() - self.began
        self.times += 1

    @property
    def milliseconds(self) -> float:
        return 1000 * self.seconds / self.times if self.times else 0.0
