"""Long blocks in stretches: what splits them holds the tokens of a block in memory at once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from knowledge.chunking import Block, headings_of

LONGEST = 100_000  # characters
# From strong to weak: a heading's line begins, a paragraph ends, a line, a word.
PLACES = [
    re.compile(r"\n(?= {0,3}#{1,6}[ \t])"),
    re.compile(r"\n[ \t\r]*\n"),
    re.compile(r"\n"),
    re.compile(r"\s"),
]


def stretches(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same text, in blocks of at most 100,000 characters. Sections go on where they are cut."""
    for block in blocks:
        yield from cut(block)


def cut(block: Block) -> Iterator[Block]:
    while len(block.text) > LONGEST:
        end = end_of(block.text)
        first = replace(block, text=block.text[:end])
        yield first
        headings = headings_of(first.text) if block.is_markdown else []
        section = headings[-1][2] if headings else block.section
        block = replace(block, text=block.text[end:], section=section)
    yield block


def end_of(text: str) -> int:
    """Where the first stretch ends best: in its second half, if there is any place for it."""
    for place in PLACES:
        ends = [match.end() for match in place.finditer(text, LONGEST // 2, LONGEST)]
        if ends:
            return ends[-1]
    return LONGEST
