"""Passages of attached versions of documents that are not in the knowledge base: split and compared
with a question here and now, by the scores of search.

Such a passage is no row. A citation says where in which version it is; its text is read when it is
shown, as that of a chunk is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from chat.excerpts import PASSAGE_TOKENS
from documents.indexing import block_of
from documents.models import Version
from knowledge import lexical, quoting
from knowledge.chunking import embedded_text, sections_of
from knowledge.embedders import embedder
from knowledge.models import SourceType
from knowledge.search import Found, Hits, Query
from knowledge.splitting import split_text

MOST_EMBEDDED = 32  # passages, the ones with the most of the question's words: a second's work


@dataclass(frozen=True, slots=True)
class DocumentPassage(Found):
    """Characters `position` to `end` of the version's text."""

    end: int
    version: int


def search(versions: Sequence[Version], query: Query, limit: int) -> Hits:
    """The best passages of the versions. Raises EmbedderUnavailable."""
    passages = [passage for version in versions for passage in passages_of(version)]
    counted = [lexical.count_chunk(each.content, each.title) for each in passages]
    having = Counter(term for terms in counted for term in terms)
    weights = lexical.query_weights(query.counted, having, len(passages))
    by_words = [
        replace(passage, score=shared(weights, lexical.chunk_weights(terms)))
        for passage, terms in zip(passages, counted, strict=True)
    ]
    likely = sorted(by_words, key=score, reverse=True)[:MOST_EMBEDDED]
    best = sorted(with_meaning(likely, query), key=score, reverse=True)
    return Hits([*best[:limit]], weights)


def together(known: Hits, read: Hits) -> Hits:
    """The best of both first. How rare terms are, the knowledge base says where it has any."""
    found = sorted([*known.found, *read.found], key=score, reverse=True)
    return Hits(found, known.weights or read.weights)


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


def shared(wanted: Mapping[int, float], weights: Mapping[int, float]) -> float:
    return sum(weight * weights.get(term, 0.0) for term, weight in wanted.items())


def score(found: Found) -> float:
    return found.score


def with_meaning(found: Sequence[DocumentPassage], query: Query) -> Sequence[DocumentPassage]:
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
