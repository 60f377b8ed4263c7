"""Paragraphs and tables of word processors put down as Markdown."""

import re

from files.readers import tables

LOWEST = 6  # level of headings in Markdown


class Writer:
    """Paragraphs go into the innermost open cell, or into the text."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.tables: list[list[list[list[str]]]] = []  # open ones: rows, cells, paragraphs

    @property
    def text(self) -> str:
        text = "\n\n".join(self.parts)
        return re.sub(r"(?m)(^ *- .*)\n\n(?= *- )", r"\1\n", text)

    def paragraph(self, text: str, level: int = 0, indent: int | None = None) -> None:
        """`level`: of a heading, else 0. `indent`: of a list's item, else None."""
        text = text.strip()
        if not text:
            return
        if level and not self.tables:
            text = "#" * min(level, LOWEST) + " " + " ".join(text.split())
        elif indent is not None:
            text = "  " * indent + "- " + text
        self.put(text)

    def put(self, text: str) -> None:
        if self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1].append(text)
        else:
            self.parts.append(text)

    def table_part(self, name: str, *, begins: bool) -> None:
        """`name`: tbl, tr or tc."""
        if name == "tbl" and begins:
            self.tables.append([])
        elif name == "tbl" and self.tables:
            rows = [[" ".join(cell) for cell in row] for row in self.tables.pop()]
            if text := "\n".join(tables.lines_of(rows, least_columns=3)):
                self.put(text)
        elif begins and self.tables and name == "tr":
            self.tables[-1].append([])
        elif begins and self.tables and self.tables[-1]:
            self.tables[-1][-1].append([])
