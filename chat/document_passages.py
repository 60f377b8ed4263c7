"""Passages of attached versions of documents that are not in the knowledge base: split and compared
with a question here and now, by the scores of search.

Such a passage is no row. A citation says where in which version it is; its text is read when it is
shown, as that of a chunk is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
from django.db.models.functions import Left
from numpy.typing import NDArray

from chat.attached import shares
from chat.excerpts import MOST_CHARACTERS, PASSAGE_TOKENS
from documents.indexing import block_of
from documents.models import Version
from knowledge import lexical, quoting
from knowledge.bounded_cache import BoundedCache
from knowledge.chunking import embedded_text, sections_of
from knowledge.embedders import embedder
from knowledge.models import SourceType
from knowledge.search import Found, Hits, Query
from knowledge.splitting import split_text
from knowledge.vectors import release_connection

MOST_KEPT = 32_000_000  # bytes
PASSAGE_SIZE = 1_000  # bytes, without its text
MOST_EMBEDDED = 32  # passages, the ones with the most of the question's words: a second's work


@dataclass(frozen=True, slots=True)
class DocumentPassage(Found):
    """Characters `position` to `end` of the version's text."""

    end: int
    version: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A version's passages, and the terms that they have: `terms[i]` is in passage `places[i]`, and
    weighs `weights[i]` there."""

    passages: list[DocumentPassage]
    places: NDArray[np.int32]
    terms: NDArray[np.int32]
    weights: NDArray[np.float32]

    def only(self, wanted: Sequence[int]) -> "Counted":
        here = np.isin(self.terms, wanted)
        return Counted(self.passages, self.places[here], self.terms[here], self.weights[here])

    def by_words(self, wanted: Mapping[int, float]) -> list[DocumentPassage]:
        """With the scores of their words; `wanted` is the query's side, each term's weight."""
        known = np.array([wanted.get(term, 0.0) for term in self.terms.tolist()])
        scores = np.bincount(self.places, self.weights * known, len(self.passages)).tolist()
        return [replace(p, score=score) for p, score in zip(self.passages, scores, strict=True)]

    @property
    def size(self) -> int:
        """In bytes, more or less."""
        arrays = (self.places, self.terms, self.weights)
        texts = sum(PASSAGE_SIZE + 2 * len(passage.content) for passage in self.passages)
        return texts + sum(array.nbytes for array in arrays)


_known: BoundedCache[tuple[UUID, int, int], Counted] = BoundedCache(MOST_KEPT)


def likely(versions: Sequence[Version], query: Query) -> Hits:
    """The passages with the most of the question's words. In a thread that may take its time and
    use the database; of versions that are long together, the beginnings are read."""
    room = shares([version.size for version in versions], MOST_CHARACTERS)
    read = [counted(*each) for each in zip(versions, room, strict=True)]
    found = [each.only([*query.counted]) for each in read]
    having = Counter(term for each in found for term in each.terms.tolist())
    passages = sum(len(each.passages) for each in found)
    weights = lexical.query_weights(query.counted, having, passages)
    by_words = [passage for each in found for passage in each.by_words(weights)]
    return Hits([*sorted(by_words, key=score, reverse=True)[:MOST_EMBEDDED]], weights)


def nearest(query: Query, likely: Hits, limit: int) -> Hits:
    """The best of them by meaning, too. Raises EmbedderUnavailable."""
    best = sorted(with_meaning(likely.found, query), key=score, reverse=True)
    return Hits(best[:limit], likely.weights)


def together(known: Hits, read: Hits) -> Hits:
    """The best of both first. How rare terms are, the knowledge base says where it has any."""
    found = sorted([*known.found, *read.found], key=score, reverse=True)
    return Hits(found, known.weights or read.weights)


def counted(version: Version, most: int) -> Counted:
    """The passages of its first `most` characters. A version never changes: it is read once."""
    key = (version.document_id, version.number, most)
    known = _known.get(key)
    if known is None:
        known = count(passages_of(beginning_of(version, most)))
        _known.add(key, known, known.size)
    return known


def beginning_of(version: Version, most: int) -> Version:
    """Nothing, where it has been deleted meanwhile."""
    stored = Version.objects.filter(pk=version.pk).values_list(Left("content", most), flat=True)
    content = stored.first() or ""
    release_connection()
    return Version(
        document_id=version.document_id,
        number=version.number,
        title=version.title,
        type=version.type,
        content=content,
    )


def count(passages: list[DocumentPassage]) -> Counted:
    places: list[int] = []
    terms: list[int] = []
    weights: list[float] = []
    for place, each in enumerate(passages):
        weighed = lexical.chunk_weights(lexical.count_chunk(each.content, each.title))
        places += [place] * len(weighed)
        terms += weighed.keys()
        weights += weighed.values()
    return Counted(
        passages,
        np.array(places, np.int32),
        np.array(terms, np.int32),
        np.array(weights, np.float32),
    )


def passages_of(version: Version) -> list[DocumentPassage]:
    block = block_of(version)
    found, end = [], 0
    for section in sections_of(block):
        for text in split_text(section.body, PASSAGE_TOKENS):
            start = block.text.index(text, end)
            end = start + len(text)
            found.append(passage(version, text, start, section.name))
    return found


def passage(version: Version, text: str, start: int, section: str) -> DocumentPassage:
    return DocumentPassage(
        id=uuid5(NAMESPACE_OID, f"{version.document_id} {version.number} {start}"),
        score=0.0,
        content=text,
        position=start,
        page=None,
        section=section,
        source_id=version.document_id,
        source_type=SourceType.ARTIFACT,
        title=version.title,
        filename="",
        tags=[],
        metadata={"type": version.type, "version": version.number},
        end=start + len(text),
        version=version.number,
    )


def score(found: Found) -> float:
    return found.score


def with_meaning(found: Sequence[Found], query: Query) -> Sequence[Found]:
    """With the hybrid score; with that of their words, where no embedder says what they mean."""
    question = quoting.question_of(query)
    if question is None or not found:
        return found
    window = embedder().window
    texts = [embedded_text(each.content, each.section, each.title, window) for each in found]
    cosines = np.maximum(0.0, np.stack(quoting.embedded(texts)) @ question).tolist()
    return [
        replace(each, score=0.5 * cosine + 0.5 * each.score)
        for each, cosine in zip(found, cosines, strict=True)
    ]
