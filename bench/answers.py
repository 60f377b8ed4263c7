"""How well `extractive` answers: `.venv/bin/python bench/answers.py [DIR] [--all]`.

Indexes the help articles in a scratch folder and asks questions that they cover, in other words
than theirs, and greetings and questions off the topic. Prints two tables: of the former, how many
were answered by a sentence that holds the answer; of the latter, how many were not answered by a
quotation. The same for further questions, and for some that nothing was tuned to. `--all` shows
every question. DIR is a data set in BEIR's layout, Cranfield for one: the same over texts of quite
another kind, where an answer counts as right whose document is judged relevant, and every question
about our product is off the topic.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)
FOLDER = Path(tempfile.mkdtemp(prefix="chatbot-bench-", dir="/tmp"))
FOLDER.chmod(0o711)  # PostgreSQL may run as another user
os.environ |= {
    "CHATBOT_DATA_DIR": str(FOLDER),
    "DJANGO_SETTINGS_MODULE": "chatbot_project.settings",
}

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import User  # noqa: E402
from bench import questions  # noqa: E402
from chat import extractive  # noqa: E402
from chat.questions import searched  # noqa: E402
from chatbot_project.embedded.services import running  # noqa: E402
from knowledge import evaluation, services  # noqa: E402
from knowledge.chunking import Block  # noqa: E402
from knowledge.filters import Filters  # noqa: E402
from knowledge.indexing import prepare  # noqa: E402
from knowledge.models import Source, SourceType, audiences  # noqa: E402
from knowledge.quoting import nearest_statements  # noqa: E402
from knowledge.search import look_up, understand  # noqa: E402

DOCUMENTS, QUERIES = 400, 60  # of a data set: enough to see, and embedded in a minute


@dataclass
class Asked:
    question: str
    answer: str | None  # None: nothing was found
    document: str  # that the first citation is of
    scores: str
    seconds: float


def ask(reader: User, question: str) -> Asked:
    began = time.perf_counter()
    query = understand(searched([question]))
    hits = look_up(audiences(reader), query, Filters(), extractive.MOST_PASSAGES)
    extract = extractive.choose(query, hits)
    seconds = time.perf_counter() - began
    best = nearest_statements(query, hits.found, hits.weights)[:1]
    scores = "".join(f"{s.meaning:.2f} {s.words:.2f} {s.found.score:.2f} {s.text}" for s in best)
    document = str(extract.sources[0].metadata.get("document", "")) if extract else ""
    return Asked(question, extract.text if extract else None, document, scores, seconds)


def covered(reader: User, title: str, expected: Mapping[str, str]) -> None:
    asked = [ask(reader, question) for question in expected]
    right = [a for a in asked if a.answer and re.search(expected[a.question], a.answer)]
    table(f"{title}: answered rightly", right, asked)


def elsewhere(reader: User, title: str, off_topic: Iterable[str]) -> None:
    asked = [ask(reader, question) for question in off_topic]
    table(f"{title}: not quoted", [each for each in asked if each.answer is None], asked)


def table(title: str, right: list[Asked], asked: list[Asked]) -> None:
    """With what was wrong, or all of it."""
    milliseconds = 1000 * sum(each.seconds for each in asked) / len(asked)
    print(f"\n| {title} | {len(right)} of {len(asked)} | {milliseconds:.0f} ms each |")
    print("|---|---|---|")
    for each in asked:
        if "--all" in sys.argv or each not in right:
            mark = "" if each in right else "WRONG"
            print(f"| {each.question} | {each.answer or '-'} | {mark} {each.scores} |")


def data_set(folder: Path) -> None:
    """A part of it: the judged documents of some queries first."""
    dataset = evaluation.load(folder)
    reader = User.objects.create_user("set@bench.test")
    queries = dict(list(dataset.queries.items())[:QUERIES])
    judged = {name for query in queries for name in dataset.judgements[query]}
    documents = sorted(dataset.documents, key=lambda document: document[0] not in judged)
    for name, title, text in documents[:DOCUMENTS]:
        source = Source(
            owner=reader,
            audience=reader.id,
            source_type=SourceType.MANUAL,
            title=title[:500],
            content=text,
            metadata={"document": name},
        )
        services.index_source(source, prepare([Block(text)], title=source.title))
    Source.objects.filter(tags__contains=["help"]).delete()
    asked = [(name, ask(reader, text)) for name, text in queries.items()]
    quoted = [(name, each) for name, each in asked if each.answer]
    right = [each for name, each in quoted if each.document in dataset.judgements[name]]
    table(
        f"{folder.name}: {len(quoted)} of {len(asked)} queries quoted, from a relevant document",
        right,
        [each for _, each in quoted],
    )
    off_topic = [*questions.COVERED, *questions.ELSEWHERE]
    elsewhere(reader, f"{folder.name}, off the topic", off_topic)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", nargs="?")
    parser.add_argument("--all", action="store_true")
    asked = parser.parse_args()
    with running(["postgres"], settings.DATA_DIR):
        call_command("migrate", verbosity=0)
        reader = User.objects.create_superuser("reader@bench.test")
        call_command("index_help")
        covered(reader, "Covered", questions.COVERED)
        elsewhere(reader, "Greetings and other topics", questions.ELSEWHERE)
        covered(reader, "Covered, further", questions.MORE_COVERED)
        elsewhere(reader, "Other topics, further", questions.MORE_ELSEWHERE)
        covered(reader, "Covered, held out", questions.HELD_OUT_COVERED)
        elsewhere(reader, "Other topics, held out", questions.HELD_OUT_ELSEWHERE)
        if asked.folder:
            data_set(asked.folder)
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
