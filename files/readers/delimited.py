"""CSV and its kin: each row as a line that names its columns."""

import csv
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import BinaryIO

from files.readers.passages import Passage, clean
from files.readers.plain import text_of
from files.readers.tables import lines_of

DELIMITERS = ",;\t|"
SAMPLE = 50  # rows
LONGEST_FIELD = 10**7  # characters


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    text = clean(text_of(file))
    csv.field_size_limit(LONGEST_FIELD)
    delimiter = "\t" if media_type == "text/tab-separated-values" else delimiter_of(text)
    with suppress(csv.Error):  # it is text at any rate
        text = "\n".join(lines_of(rows(text, delimiter)))
    yield Passage(text, is_markdown=False)


def rows(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(text.splitlines(keepends=True), delimiter=delimiter)


def delimiter_of(text: str) -> str:
    """The one that parts the first rows into most columns, alike in nearly all of them."""
    return max(DELIMITERS, key=lambda delimiter: agreement(text[:100_000], delimiter))


def agreement(text: str, delimiter: str) -> float:
    try:
        widths = [len(row) for row in islice(rows(text, delimiter), SAMPLE) if row]
    except csv.Error:
        return 0
    if not widths:
        return 0
    usual = max(set(widths), key=widths.count)
    share = widths.count(usual) / len(widths)
    return share + usual / 1000 if usual > 1 else 0
