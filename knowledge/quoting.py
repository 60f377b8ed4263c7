"""Which statements of the passages found come nearest to the question, by the scores of search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from knowledge import lexical
from knowledge.bounded_cache import BoundedCache
from knowledge.embedders import Vectors, embedder
from knowledge.search import Found, Query
from knowledge.sentences import statements

MOST_STATEMENTS = 64  # of all passages together, the best ones first
MOST_PAIRED = 5  # statements that are looked at together with their neighbours
MOST_KEPT = 8_000_000  # bytes of vectors of statements that were looked at before
OF_HEADING = 0.5  # what a term counts that only the heading above the statement has


@dataclass(frozen=True, slots=True)
class Statement:
    """`meaning` is its cosine with the question, None where no embedder says; `words` the share of
    the question's terms, by their rarity, that it has. `said`: one sentence, or two that follow
    each other."""

    said: tuple[str, ...]
    found: Found
    meaning: float | None
    words: float

    @property
    def text(self) -> str:
        return " ".join(self.said)

    @property
    def score(self) -> float:
        """What it is part of counts as much as what it means: a sentence alone says little of its
        subject. Words count less than in a search: it has but few to share."""
        passage = min(1.0, self.found.score)
        if self.meaning is None:
            return 0.5 * self.words + 0.5 * passage
        return 0.4 * self.meaning + 0.2 * self.words + 0.4 * passage


def nearest_statements(
    query: Query, found: Sequence[Found], weights: Mapping[int, float]
) -> list[Statement]:
    """The statements of all passages, the nearest first; two that follow each other as one, where
    they come nearer together. Raises EmbedderUnavailable."""
    question = question_of(query)
    places = [
        (paragraph, index, each)
        for each in found
        for paragraph in statements(each.content)
        for index in range(len(paragraph))
    ][:MOST_STATEMENTS]
    made = measured([((p[i],), each) for p, i, each in places], question, weights)
    ranks = sorted(range(len(made)), key=lambda place: -made[place].score)
    pairs = {
        tuple(paragraph[start : start + 2]): each
        for paragraph, index, each in (places[rank] for rank in ranks[:MOST_PAIRED])
        for start in (index - 1, index)
        if 0 <= start < len(paragraph) - 1
    }
    made += measured([*pairs.items()], question, weights)
    return sorted(made, key=lambda statement: -statement.score)


def question_of(query: Query) -> Vectors | None:
    """As the settings' embedder sees it: a search may have used another one. None: it had none, and
    nobody waits for it again."""
    model, known = embedder(), query.meaning
    if known is None:
        return None
    return known.vector if known.model == model.name else model.embed_query(query.text)


def measured(
    said: Sequence[tuple[tuple[str, ...], Found]],
    question: Vectors | None,
    weights: Mapping[int, float],
) -> list[Statement]:
    if not said:
        return []
    texts = [(" ".join(sentences), each) for sentences, each in said]
    return [
        Statement(sentences, each, meaning, words_of(text, each, weights))
        for (sentences, each), (text, _), meaning in zip(
            said, texts, meanings(texts, question), strict=True
        )
    ]


def meanings(
    texts: Sequence[tuple[str, Found]], question: Vectors | None
) -> Sequence[float | None]:
    if question is None:
        return [None] * len(texts)
    vectors = embedded([with_heading(text, each) for text, each in texts])
    cosines: list[float | None] = np.maximum(0.0, np.stack(vectors) @ question).tolist()
    return cosines


def with_heading(text: str, found: Found) -> str:
    """A sentence alone rarely says what it is about."""
    heading = heading_of(found)
    return f"{heading}: {text}" if heading else text


def heading_of(found: Found) -> str:
    names = [found.title or found.filename, found.section]
    return " - ".join(dict.fromkeys(name for name in names if name))


def words_of(text: str, found: Found, weights: Mapping[int, float]) -> float:
    own, above = lexical.count_query(text), lexical.count_query(heading_of(found))
    return sum(
        weight if term in own else OF_HEADING * weight
        for term, weight in weights.items()
        if term in own or term in above
    )


_known: BoundedCache[tuple[str, str], Vectors] = BoundedCache(MOST_KEPT)


def embedded(texts: Sequence[str]) -> list[Vectors]:
    """Vectors of the settings' embedder; those of texts it has had lately are kept."""
    model = embedder()
    kept = {text: _known.get((model.name, text)) for text in texts}  # others drop some meanwhile
    found = {text: vector for text, vector in kept.items() if vector is not None}
    if unknown := [text for text in kept if text not in found]:
        fresh = dict(zip(unknown, model.embed_passages(unknown), strict=True))
        for text, vector in fresh.items():
            _known.add((model.name, text), vector, vector.nbytes + len(text))
        found |= fresh
    return [found[text] for text in texts]
