"""Rows of a table as lines that can be understood alone."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

NUMBER = re.compile(r"[\s$€£¥%+\-]*\d[\d.,:/\s%$€£¥eE+-]*$")
SOUGHT = 20  # rows at the top that may hold the header
LONGEST_NAME = 100  # characters of a column's name


def lines_of(rows: Iterable[Sequence[str]], least_columns: int = 2) -> Iterator[str]:
    """`Name: Ann; City: Paris` for each row below a header, else `Ann | Paris`.

    A table of fewer than `least_columns` is shown as it is: two columns are often name and value.
    """
    filled = ([flat(cell) for cell in row] for row in rows if any(cell.strip() for cell in row))
    rest = iter(filled)
    top = list(islice(rest, SOUGHT))
    place = header_place(top, least_columns)
    if place is None:
        yield from map(as_it_is, chain(top, rest))
        return
    names = top[place]
    yield from map(as_it_is, top[: place + 1])
    for row in chain(top[place + 1 :], rest):
        yield named(names, row)


def flat(cell: str) -> str:
    return " ".join(cell.split())


def header_place(top: list[list[str]], least_columns: int) -> int | None:
    """The first row as wide as the table whose cells are names: different, and no numbers."""
    widest = max((sum(map(bool, row)) for row in top), default=0)
    if widest < least_columns or len(top) < 2:
        return None
    for place, row in enumerate(top[:-1]):
        names = [cell for cell in row if cell]
        if len(names) >= max(2, 0.7 * widest):
            return place if are_names(names) else None
    return None


def are_names(cells: list[str]) -> bool:
    distinct = len({cell.casefold() for cell in cells}) == len(cells)
    return distinct and not any(NUMBER.match(cell) or len(cell) > LONGEST_NAME for cell in cells)


def as_it_is(row: list[str]) -> str:
    return " | ".join(cell for cell in row if cell)


def named(names: list[str], row: list[str]) -> str:
    parts = []
    for place, cell in enumerate(row):
        name = names[place] if place < len(names) else ""
        if cell:
            parts.append(f"{name.rstrip(':')}: {cell}" if name else cell)
    return "; ".join(parts)
