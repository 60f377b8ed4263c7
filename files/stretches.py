"""Long blocks in stretches: what splits them holds the tokens of a block in memory at once."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace

from knowledge.chunking import FENCE, Block, headings_of

LONGEST = 100_000  # characters
# From strong to weak: a paragraph ends, a line, a word. Stronger is where a heading begins.
ENDS = [re.compile(r"\n[ \t\r]*\n"), re.compile(r"\n"), re.compile(r"\s")]
LONGEST_OPENING = 100  # characters: three marks and the language


def stretches(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same text, in blocks of at most 100,000 characters. Sections go on where they are cut,
    and so does code: a block of code that is cut is opened again."""
    for block in blocks:
        yield from cut(block)


def cut(block: Block) -> Iterator[Block]:
    while len(block.text) > LONGEST:
        end, opening = end_of(block)
        first = replace(block, text=block.text[:end])
        yield first
        headings = headings_of(first.text) if block.is_markdown else []
        section = headings[-1][2] if headings else block.section
        block = replace(block, text=opening + block.text[end:], section=section)
    yield block


def end_of(block: Block) -> tuple[int, str]:
    """Where the first stretch ends best, in its second half: outside of code if there is any place
    for it. And what the next one begins with, before the rest of the text."""
    head = block.text[:LONGEST]
    fences = list(FENCE.finditer(head)) if block.is_markdown else []
    places = [*places_in(head, block.is_markdown), [LONGEST]]
    for ends in places:
        outside = (end for end in reversed(ends) if fence_around(end, fences) is None)
        if end := next(outside, 0):
            return end, ""
    end = next(ends[-1] for ends in places if ends)
    return end, opening_of(fence_around(end, fences))


def places_in(head: str, is_markdown: bool) -> list[list[int]]:
    """From strong to weak, those in the second half."""
    middle = len(head) // 2
    headings = [start for start, _, _ in headings_of(head) if start > middle] if is_markdown else []
    return [
        headings,
        *([match.end() for match in pattern.finditer(head, middle)] for pattern in ENDS),
    ]


def fence_around(place: int, fences: list[re.Match[str]]) -> re.Match[str] | None:
    """The block of code that a cut here would go through."""
    last = bisect_left(fences, place, key=re.Match.start) - 1
    return fences[last] if last >= 0 and place <= fences[last].end() else None


def opening_of(fence: re.Match[str] | None) -> str:
    return fence[0].partition("\n")[0][:LONGEST_OPENING] + "\n" if fence else ""
