"""`manage.py evaluate_search DIR` scores search on a data set in BEIR's layout."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from accounts.models import Tier, User
from chatbot_project.api.ids import uuid7
from knowledge import evaluation, services
from knowledge.chunking import Block
from knowledge.evaluation import DEPTH, Dataset, Stopwatch
from knowledge.filters import Filters
from knowledge.indexing import PreparedChunk, Text, prepare_all
from knowledge.models import TITLE_LENGTH, Source, SourceType
from knowledge.search import Found, SearchType, find

CHUNKS_A_DOCUMENT = 4  # how many chunks are asked for, for each document that is wanted
DOCUMENTS_AT_ONCE = 100  # embedded together
TABLES = "knowledge_source, knowledge_chunk, knowledge_embedding, knowledge_termstat"

T = TypeVar("T")
Items = list[tuple[Source, list[PreparedChunk]]]


class Command(BaseCommand):
    help = (
        "Scores each type of search on a data set in BEIR's layout (corpus.jsonl, queries.jsonl, "
        "qrels/test.tsv), in an account of its own, of which nothing is left. Prints a line for "
        "each type: nDCG@10, Recall@100, milliseconds a query."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--split", default="test", help="which qrels (default: test)")

    def handle(self, *, folder: Path, split: str, **options: Any) -> None:
        try:
            dataset = evaluation.load(folder, split)
        except (OSError, KeyError, ValueError) as error:
            raise CommandError(f"{folder} is no data set in BEIR's layout: {error!r}") from None
        owner = User(email=f"evaluation-{uuid7().hex}@localhost")
        items = self.prepared(owner, dataset)
        # Nobody else sees the account: it is never committed, so that even a kill leaves nothing.
        with transaction.atomic():
            owner.tier = Tier.objects.all()[0]
            owner.save()
            services.index_sources(items)
            with connection.cursor() as cursor:
                cursor.execute(f"ANALYZE {TABLES}")
            for type in (SearchType.TEXT, SearchType.SEMANTIC, SearchType.HYBRID):
                self.stdout.write(scores(owner, dataset, type))
            transaction.set_rollback(True)

    def prepared(self, owner: User, dataset: Dataset) -> Items:
        """The corpus split and embedded: what takes time, before there is a transaction."""
        items: Items = []
        for group in batched(dataset.documents, DOCUMENTS_AT_ONCE):
            self.stderr.write(f"{len(items)} of {len(dataset.documents)} documents", ending="\r")
            texts = [Text([Block(text)], title[:TITLE_LENGTH]) for _, title, text in group]
            sources = [
                source_of(owner, name, text.title)
                for (name, _, _), text in zip(group, texts, strict=True)
            ]
            items += zip(sources, prepare_all(texts), strict=True)
        return items


def source_of(owner: User, name: str, title: str) -> Source:
    return Source(
        owner=owner,
        audience=owner.id,
        source_type=SourceType.MANUAL,
        title=title,
        metadata={"document": name},
    )


def batched(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def scores(owner: User, dataset: Dataset, type: SearchType) -> str:
    """`text 0.3850 0.7350 0.8`"""
    watch, gain, recall = Stopwatch(), 0.0, 0.0
    for name, text in dataset.queries.items():
        with watch:
            found = find([owner.id], text, type, Filters(), DEPTH * CHUNKS_A_DOCUMENT)
        ranked, relevant = documents_of(found), dataset.judgements[name]
        gain += evaluation.ndcg(ranked, relevant)
        recall += evaluation.recall(ranked, relevant)
    queries = max(1, len(dataset.queries))
    return f"{type} {gain / queries:.4f} {recall / queries:.4f} {watch.milliseconds:.1f}"


def documents_of(found: list[Found]) -> list[str]:
    """A document is where its best chunk is."""
    return list(dict.fromkeys(chunk.metadata["document"] for chunk in found))
