"""A text in parts of at most so many tokens, parted where it parts itself.

The text is tokenized once, however long it is: measuring each attempt anew took as long as half of
the embedding.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge import tokens

# From strong to weak; within a part, the last place of the strongest kind that is there.
BOUNDARIES = [
    re.compile(r"\n[ \t\r]*\n\s*"),  # paragraphs
    re.compile(r"\n\s*"),  # lines
    re.compile(r"[.!?…][\"'”’)\]]*\s+|[。！？]+"),  # sentences
    re.compile(r"[,;:)]\s+|[，；：、]"),  # clauses
    re.compile(r"\s+"),  # words
]
SLACK = 1.2  # by how much a part may exceed an even share, to end at a better place


@dataclass(frozen=True, slots=True)
class Measured:
    """A text with the offsets where its tokens begin and where it may be parted."""

    text: str
    starts: list[int]
    ends: list[list[int]]  # by kind

    def parts(self, room: int) -> Iterator[str]:
        start = 0
        while (left := len(self.starts) - bisect_left(self.starts, start)) > room:
            share = left / -(-left // room)
            end = self.end_after(start, min(room, int(share * SLACK)), int(share / 2))
            yield self.text[start:end]
            start = end
        yield self.text[start:]

    def end_after(self, start: int, most: int, least: int) -> int:
        """Where a part that begins at `start` ends best, with `least` to `most` tokens."""
        first = bisect_left(self.starts, start)
        low, high = self.starts[first + max(1, least)], self.starts[first + most]
        for ends in self.ends:
            place = bisect_right(ends, high) - 1
            if place >= 0 and ends[place] > low:
                return ends[place]
        return high


def split_text(text: str, room: int) -> list[str]:
    """Parts of at most `room` tokens, about even, without the spaces around them."""
    parts = (part.strip() for part in measured(text).parts(room))
    return [part for part in parts if part]


def measured(text: str) -> Measured:
    starts = [start for start, _ in tokens.spans(text)]
    return Measured(text, starts, [[m.end() for m in kind.finditer(text)] for kind in BOUNDARIES])
