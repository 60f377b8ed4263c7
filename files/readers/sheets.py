"""XLSX: a passage for each sheet, its rows as lines that name their columns."""

from collections.abc import Iterator
from typing import BinaryIO

from files.readers.archive import Archive
from files.readers.cell_values import Values, values_of
from files.readers.passages import Passage
from files.readers.tables import lines_of
from files.readers.xml_events import START, TEXT, events

LAST_COLUMN = 16_384


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    archive = Archive(file)
    main = archive.main_part("xl/workbook.xml")
    values = values_of(archive, main)
    for name, part in sheets_of(archive, main):
        text = "\n".join(lines_of(rows_of(archive, part, values)))
        yield Passage(text, section=name, is_markdown=False)


def sheets_of(archive: Archive, main: str) -> Iterator[tuple[str, str]]:
    parts = archive.related(main)
    for kind, name, attributes in events(archive.pieces(main)):
        if kind == START and name == "sheet":
            part = parts.get(attributes.get("r:id", ""), ("", ""))[1]
            if part in archive.names:
                yield attributes.get("name", ""), part


def rows_of(archive: Archive, part: str, values: Values) -> Iterator[list[str]]:
    row: list[str] = []
    kind, style, text, in_value = "n", "", "", False
    for event, name, attributes in events(archive.pieces(part)):
        if event == TEXT:
            text += name if in_value else ""
        elif event == START and name == "c":
            kind, style, text = attributes.get("t", "n"), attributes.get("s", ""), ""
            pad(row, column_of(attributes.get("r", "")))
        elif name in ("v", "t"):
            in_value = event == START
        elif event != START and name == "c":
            row.append(values.shown(kind, style, text))
        elif event != START and name == "row":
            yield row
            row = []


def pad(row: list[str], column: int) -> None:
    """Cells that are empty are not written."""
    row.extend([""] * (column - 1 - len(row)))


def column_of(reference: str) -> int:
    """From 1: `AB12` is in the 28th. 0 if it does not say."""
    number = 0
    for letter in reference[:3].rstrip("0123456789").upper():
        if "A" <= letter <= "Z":
            number = number * 26 + ord(letter) - 64
    return min(number, LAST_COLUMN)
