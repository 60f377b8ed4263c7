"""The help articles, and what has to be done to have them all in the knowledge base.

Nothing here loads an embedding model: most starts have nothing to do.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from chatbot_project.site.models import IndexedArticle
from knowledge.models import Source

FOLDER = settings.BASE_DIR / "templates" / "help"
FENCE = "---\n"
TAG = "help"  # of all of them


@dataclass(frozen=True, slots=True)
class Article:
    slug: str
    title: str
    tags: list[str]
    text: str  # Markdown

    @property
    def digest(self) -> str:
        return digest(self.title, self.text, self.tags)


@dataclass(frozen=True, slots=True)
class Work:
    to_add: list[Article]
    to_change: list[tuple[Article, Source]]
    to_forget: list[IndexedArticle]  # articles that there are no more

    def __bool__(self) -> bool:
        return bool(self.to_add or self.to_change or self.to_forget)


def digest(title: str, text: str, tags: list[str]) -> str:
    return hashlib.sha256(json.dumps([title, text, tags]).encode()).hexdigest()


def articles() -> list[Article]:
    return [read(path) for path in sorted(FOLDER.glob("*.md"))]


def read(path: Path) -> Article:
    """Front matter: a name and a JSON value a line, between two lines of dashes."""
    _, front, text = path.read_text().split(FENCE, 2)
    pairs = (line.partition(": ") for line in front.splitlines())
    fields: dict[str, Any] = {name: json.loads(value) for name, _, value in pairs}
    return Article(path.stem, fields["title"], [TAG, *fields["tags"]], text.strip())


def work(found: list[Article]) -> Work:
    """What was deleted stays so, and what staff have rewritten is theirs."""
    known = IndexedArticle.objects.in_bulk()
    sources = Source.objects.in_bulk([row.source_id for row in known.values()])
    to_change = []
    for article in found:
        row = known.get(article.slug)
        source = sources.get(row.source_id) if row else None
        if row and source and row.digest != article.digest and is_ours(source, row):
            to_change.append((article, source))
    slugs = {article.slug for article in found}
    return Work(
        [article for article in found if article.slug not in known],
        to_change,
        [row for row in known.values() if row.slug not in slugs],
    )


def is_ours(source: Source, row: IndexedArticle) -> bool:
    return digest(source.title, source.content, source.tags) == row.digest
