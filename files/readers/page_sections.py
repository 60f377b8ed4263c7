"""Which section of its outline each part of a document's pages belongs to."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

BETWEEN = " > "  # a title and the one below it
DEEPEST = 3  # titles in the name of a section
NUMBER = re.compile(r"^\s*(chapter|section|part|§)?\s*[\dIVX]+([.:]\d+)*[.:)]?\s+", re.IGNORECASE)
LONGEST_TITLE = 3  # lines


class Heading(NamedTuple):
    page: int  # from 1
    path: tuple[str, ...]  # the titles above it and its own

    @property
    def section(self) -> str:
        return BETWEEN.join(self.path[-DEEPEST:])


def by_section(
    pages: list[list[str]], headings: list[Heading]
) -> Iterator[tuple[int, str, list[str]]]:
    """(page from 1, section, lines): a page in as many parts as sections begin within it.

    A heading whose title is not among the page's lines begins at its top, if it is the first.
    """
    starting = {page: list(group) for page, group in groupby(headings, lambda h: h.page)}
    section = ""
    for page, lines in enumerate(pages, 1):
        place = 0
        for number, heading in enumerate(starting.get(page, ())):
            found = place_of(heading.path[-1], lines, place)
            if found is not None:
                if found > place:
                    yield page, section, lines[place:found]
                place = found
            if found is not None or number == 0:
                section = heading.section
        if lines[place:]:
            yield page, section, lines[place:]
        if page in starting:
            section = starting[page][-1].section


def place_of(title: str, lines: list[str], first: int) -> int | None:
    """The line that the title begins in, from `first` on."""
    wanted = {letters(title), letters(NUMBER.sub("", title))} - {""}
    for place in range(first, len(lines)):
        for count in range(1, LONGEST_TITLE + 1):
            line = " ".join(lines[place : place + count])
            if letters(line) in wanted or letters(NUMBER.sub("", line)) in wanted:
                return place
    return None


def letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
