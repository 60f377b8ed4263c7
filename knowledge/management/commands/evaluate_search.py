"""`manage.py evaluate_search DIR` scores search on a data set in BEIR's layout."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from accounts.models import Tier, User
from chatbot_project.api.ids import uuid7
from knowledge import evaluation, services
from knowledge.chunking import Block
from knowledge.evaluation import DEPTH, Dataset, Stopwatch
from knowledge.filters import Filters
from knowledge.indexing import PreparedChunk, prepare
from knowledge.models import Source, SourceType
from knowledge.search import Found, SearchType, find

CHUNKS_A_DOCUMENT = 4  # how many chunks are asked for, for each document that is wanted
TABLES = "knowledge_source, knowledge_chunk, knowledge_embedding, knowledge_termstat"

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
        items = []
        for number, (name, title, text) in enumerate(dataset.documents):
            if number % 100 == 0:
                self.stderr.write(f"{number} of {len(dataset.documents)} documents", ending="\r")
            source = Source(
                owner=owner,
                audience=owner.id,
                source_type=SourceType.MANUAL,
                title=title[:500],
                metadata={"document": name},
            )
            items.append((source, prepare([Block(text)], title=source.title)))
        return items


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
