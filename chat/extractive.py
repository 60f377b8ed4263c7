"""The model `extractive`: it answers in the words of the sources, cited, or says that it found
nothing. It needs no language model, and is never wrong about what a source says.
"""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass

from chat import tokens
from chat.catalog import EXTRACTIVE
from chat.providers import Piece, Prompt
from knowledge.quoting import Statement, nearest_statements
from knowledge.search import Found, Hits, Query

MOST_PASSAGES = 6
# Hybrid scores. Where not even the best passage has this, no sentence need be looked at; nor of
# those that are much worse than it.
LEAST_PASSAGE = 0.15
LEAST_SHARE = 0.5
MOST_QUOTED = 3  # statements
# Cosines of a question and a statement about something else are below 0.3, most far below; of one
# that answers it in other words, 0.4 and more. Between, shared words decide.
LEAST_MEANING = 0.3
LEAST_EVIDENCE = 0.4
WORDS_WEIGHT = 0.2
LEAST_WORDS = 0.4  # of the question's, by their rarity, where no embedder says what it means
# A statement this good is the answer; beside a lesser one, the next are said too, if they are not
# much worse: one of them will be.
SURE = 0.65
NEARLY_AS_GOOD = 0.85
NOTHING = "I found nothing about that in the knowledge base."
NOTHING_ATTACHED = "I found nothing about that in what is attached, nor in the knowledge base."
WORD = re.compile(r"\S+\s*")


@dataclass(frozen=True, slots=True)
class Extract:
    """A text that is there already, behind the protocol of those that are yet to be written."""

    text: str
    question: str
    sources: Sequence[Found] = ()

    async def complete(self, prompt: Prompt) -> Piece:
        text, finish_reason = self.within(prompt)
        return Piece(text, EXTRACTIVE, finish_reason, *self.usage(text))

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        text, finish_reason = self.within(prompt)
        for word in WORD.findall(text):
            yield Piece(word, EXTRACTIVE)
        yield Piece("", EXTRACTIVE, finish_reason, *self.usage(text))

    def within(self, prompt: Prompt) -> tuple[str, str]:
        """The text as far as `max_tokens` goes, and why it ends."""
        most = prompt.options.get("max_tokens")
        cut = tokens.cut(self.text, most) if most else self.text
        return cut, "stop" if cut == self.text else "length"

    def usage(self, text: str) -> tuple[int, int]:
        """By the embedder's tokenizer: what was asked, and what is said of it."""
        return tokens.count(self.question), tokens.count(text)


def nothing_found(question: str, in_attached: bool = False) -> Extract:
    return Extract(NOTHING_ATTACHED if in_attached else NOTHING, question)


def choose(query: Query, hits: Hits) -> Extract | None:
    """None: the passages do not answer it. Raises EmbedderUnavailable."""
    passages = worth_reading(hits.found)
    nearest = nearest_statements(query, passages, hits.weights)
    if not nearest or not answers(nearest[0]):
        return None
    least = nearest[0].score * (1.0 if nearest[0].score >= SURE else NEARLY_AS_GOOD)
    quoted = without_repetitions(each for each in nearest if each.score >= least)
    sources = list({each.found.id: each.found for each in quoted}.values())
    return Extract(" ".join(cited(each, sources) for each in quoted), query.text, sources)


def worth_reading(found: Sequence[Found]) -> list[Found]:
    least = max(LEAST_PASSAGE, LEAST_SHARE * found[0].score) if found else 0.0
    return [each for each in found if each.score >= least]


def answers(statement: Statement) -> bool:
    if statement.meaning is None:
        return statement.words >= LEAST_WORDS
    evidence = statement.meaning + WORDS_WEIGHT * statement.words
    return statement.meaning >= LEAST_MEANING and evidence >= LEAST_EVIDENCE


def without_repetitions(statements: Iterable[Statement]) -> list[Statement]:
    """The first MOST_QUOTED that say something of their own."""
    kept: list[Statement] = []
    for statement in statements:
        if not any(set(statement.said) & set(other.said) for other in kept):
            kept.append(statement)
        if len(kept) == MOST_QUOTED:
            break
    return kept


def cited(statement: Statement, sources: Sequence[Found]) -> str:
    number = next(n for n, found in enumerate(sources, 1) if found.id == statement.found.id)
    return f"{statement.text} [{number}]"
