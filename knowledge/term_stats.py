"""How many chunks of an audience have a term: what tells a rare one from a common one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection

from knowledge.lexical import MASK
from knowledge.models import EVERY_CHUNK, Chunk

Counts = Counter[tuple[UUID, int]]  # by (audience, term)

ADD = """
INSERT INTO knowledge_termstat AS stat (audience, term, chunks)
SELECT * FROM unnest(%s::uuid[], %s::integer[], %s::integer[])
ON CONFLICT (audience, term) DO UPDATE SET chunks = stat.chunks + excluded.chunks
"""
DROP_EMPTY = """
DELETE FROM knowledge_termstat stat USING unnest(%s::uuid[], %s::integer[]) AS gone (audience, term)
WHERE stat.audience = gone.audience AND stat.term = gone.term AND stat.chunks <= 0
"""

# Whether there is any chunk for the audiences: one look into the index.
ANY_CHUNK = """EXISTS (
    SELECT FROM knowledge_termstat WHERE audience = ANY (%s) AND term = 0 AND chunks > 0
)"""


HOLD = """
SELECT FROM knowledge_termstat WHERE audience = ANY (%s) ORDER BY audience, term FOR UPDATE
"""


def counts(audience: UUID, terms_of_chunks: Iterable[Iterable[int]]) -> Counts:
    """What chunks with these terms (or keys of the index) add to the statistics."""
    found: Counts = Counter()
    for terms in terms_of_chunks:
        found[audience, EVERY_CHUNK] += 1
        found.update((audience, term & MASK) for term in terms)
    return found


def counts_of_sources(source_ids: Sequence[UUID]) -> Counts:
    """What the chunks of these sources have added."""
    found: Counts = Counter()
    chunks = Chunk.objects.filter(source_id__in=source_ids).values_list("audience", "terms")
    for audience, terms in chunks.iterator():
        found.update(counts(audience, [terms]))  # `+=` looks at all that are there
    return found


def change(before: Counts, after: Counts) -> None:
    """Replaces one contribution by another, in one statement and in order: whoever else does so at
    the same time waits, and none waits for one that waits for it. The last step of a transaction,
    for that reason."""
    changed = Counter(after)
    changed.subtract(before)
    rows = sorted((audience, term, n) for (audience, term), n in changed.items() if n)
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(ADD, [list(column) for column in zip(*rows, strict=True)])
        if gone := [(audience, term) for audience, term, n in rows if n < 0]:
            cursor.execute(DROP_EMPTY, [list(column) for column in zip(*gone, strict=True)])


def hold(audiences: Iterable[UUID]) -> None:
    """Nobody else changes these audiences' counts until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [list(audiences)])
