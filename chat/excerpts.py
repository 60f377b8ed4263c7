"""Parts of a text that is too long to be read whole: those that answer a question best, in order.

By BM25 among the passages of the text itself; where no word of the question occurs, its beginning.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from chat import tokens
from knowledge import lexical
from knowledge.splitting import split_text

PASSAGE_TOKENS = 200
MOST_CHARACTERS = 1_000_000  # for a question: to split and count that takes two or three seconds
GAP = "[...]"


class Passage(NamedTuple):
    position: int  # in the text, from 0
    content: str


def of_text(text: str, question: str, room: int) -> str:
    """At most `room` tokens of `text`, more or less."""
    passages = [Passage(*each) for each in enumerate(split_text(text, PASSAGE_TOKENS))]
    return joined(fitting(ranked(passages, question), room))


def ranked(passages: list[Passage], question: str) -> list[Passage]:
    """The beginning, which says what the text is; then the best ones first."""
    counted = [lexical.count_chunk(passage.content) for passage in passages]
    chunks_with = Counter(term for terms in counted for term in terms)
    wanted = lexical.query_weights(lexical.count_query(question), chunks_with, len(passages))

    def score(passage: Passage) -> float:
        if passage.position == 0:
            return 1.0
        weights = lexical.chunk_weights(counted[passage.position])
        return sum(weight * weights.get(term, 0.0) for term, weight in wanted.items())

    return sorted(passages, key=score, reverse=True)  # of equal ones the earlier first


def fitting(passages: Iterable[Passage], room: int) -> list[Passage]:
    """The first ones within `room` tokens; of the very first, as much as there is room for."""
    chosen: list[Passage] = []
    for passage in passages:
        size = tokens.count(passage.content)
        if not chosen and size > room > 0:
            return [passage._replace(content=tokens.cut(passage.content, room))]
        if size > room:
            break
        chosen.append(passage)
        room -= size
    return chosen


def joined(passages: Iterable[Passage]) -> str:
    """In the order of the text, with a mark where something has been left out."""
    parts: list[str] = []
    expected = 0
    for passage in sorted(passages):
        if passage.position != expected:
            parts.append(GAP)
        parts.append(passage.content)
        expected = passage.position + 1
    return "\n\n".join([*parts, GAP])
