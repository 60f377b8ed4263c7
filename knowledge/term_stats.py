"""How many chunks of an audience have a term: what tells a rare one from a common one."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from knowledge.lexical import MASK
from knowledge.models import EVERY_CHUNK, Chunk

MOST_LOOSE = 1_000_000  # terms that wait to be counted
AT_ONCE = 50_000  # rows of a statement

Terms = NDArray[np.int32]

ADD = """
INSERT INTO knowledge_termstat AS stat (audience, term, chunks)
SELECT %s::uuid, * FROM unnest(%s::integer[], %s::integer[])
ON CONFLICT (audience, term) DO UPDATE SET chunks = stat.chunks + excluded.chunks
"""
DROP_EMPTY = """
DELETE FROM knowledge_termstat
WHERE audience = %s AND term = ANY (%s::integer[]) AND chunks <= 0
"""

# Whether there is any chunk for the audiences: one look into the index.
ANY_CHUNK = """EXISTS (
    SELECT FROM knowledge_termstat WHERE audience = ANY (%s) AND term = 0 AND chunks > 0
)"""


HOLD = """
SELECT FROM knowledge_termstat WHERE audience = ANY (%s) ORDER BY audience, term FOR UPDATE
"""


class Tally:
    """How many chunks have each term: eight bytes a term, however many there are."""

    def __init__(self) -> None:
        self._terms: Terms = np.empty(0, np.int32)  # sorted, each once
        self._chunks: Terms = np.empty(0, np.int32)
        self._loose = array("i")

    def add(self, terms: Iterable[int]) -> None:
        self._loose.append(EVERY_CHUNK)
        self._loose.extend(terms)
        if len(self._loose) > MOST_LOOSE:
            self.counted()

    def counted(self) -> tuple[Terms, Terms]:
        """Terms in their order, and how many chunks have each."""
        if self._loose:
            new = np.unique(np.frombuffer(self._loose, np.int32), return_counts=True)
            self._terms, self._chunks = summed((self._terms, self._chunks), new)
            self._loose = array("i")
        return self._terms, self._chunks


def summed(*tallies: tuple[Terms, NDArray[Any]]) -> tuple[Terms, Terms]:
    """Several, each in the order of its terms, as one without zeros."""
    terms, places = np.unique(np.concatenate([each for each, _ in tallies]), return_inverse=True)
    chunks = np.bincount(places, np.concatenate([n for _, n in tallies]), len(terms))
    there = chunks != 0
    return terms[there], chunks[there].astype(np.int32)


class Counts:
    """What chunks add to the statistics, by audience."""

    def __init__(self) -> None:
        self.tallies: defaultdict[UUID, Tally] = defaultdict(Tally)

    def add(self, audience: UUID, terms: Iterable[int]) -> None:
        """A chunk with these terms."""
        self.tallies[audience].add(terms)

    def counted(self, audience: UUID) -> tuple[Terms, Terms]:
        return self.tallies[audience].counted()

    def moved_to(self, audience: UUID) -> "Counts":
        """The same for other readers; so far all had the same ones."""
        moved = Counts()
        for tally in self.tallies.values():
            moved.tallies[audience] = tally
        return moved


def counts_of_sources(source_ids: Sequence[UUID]) -> Counts:
    """What the chunks of these sources have added."""
    found = Counts()
    chunks = Chunk.objects.filter(source_id__in=source_ids).values_list("audience", "terms")
    for audience, terms in chunks.iterator():
        found.add(audience, (term & MASK for term in terms))
    return found


def change(before: Counts, after: Counts) -> None:
    """Replaces one contribution by another, in order: whoever else does so at the same time waits,
    and none waits for one that waits for it. The last step of a transaction, for that reason."""
    for audience in sorted(before.tallies.keys() | after.tallies.keys()):
        terms, chunks = before.counted(audience)
        terms, chunks = summed((terms, -chunks), after.counted(audience))
        for start in range(0, len(terms), AT_ONCE):
            add(audience, terms[start : start + AT_ONCE], chunks[start : start + AT_ONCE])


def add(audience: UUID, terms: Terms, chunks: Terms) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADD, [audience, terms.tolist(), chunks.tolist()])
        if gone := terms[chunks < 0].tolist():
            cursor.execute(DROP_EMPTY, [audience, gone])


def hold(audiences: Iterable[UUID]) -> None:
    """Nobody else changes these audiences' counts until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [list(audiences)])
