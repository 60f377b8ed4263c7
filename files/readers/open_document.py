"""ODT as Markdown: headings, paragraphs, lists, tables, notes where they are referred to."""

from collections.abc import Iterator
from typing import BinaryIO

from files.readers.archive import Archive
from files.readers.passages import Passage
from files.readers.word import without
from files.readers.written import Writer
from files.readers.xml_events import END, START, TEXT, events

PASSED_OVER = {"tracked-changes", "annotation", "note-citation", "automatic-styles", "script"}
TABLES = {"table": "tbl", "table-row": "tr", "table-cell": "tc"}
CHARACTERS = {"tab": "\t", "line-break": "\n", "s": " "}


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    body = Body()
    for event in without(PASSED_OVER, events(Archive(file).pieces("content.xml"))):
        body.take(*event)
    yield Passage(body.writer.text)


class Body:
    def __init__(self) -> None:
        self.writer = Writer()
        self.texts: list[str] = []  # of open paragraphs: a note has some within another's
        self.level = 0
        self.lists = 0

    def take(self, kind: str, name: str, attributes: dict[str, str]) -> None:
        if kind == TEXT:
            self.add(name)
        elif name in TABLES:
            self.writer.table_part(TABLES[name], begins=kind == START)
        elif name == "list":
            self.lists += 1 if kind == START else -1
        elif name in ("p", "h"):
            self.paragraph(kind, attributes.get("outline-level", "1") if name == "h" else "0")
        elif kind == START and name in CHARACTERS:
            self.add(CHARACTERS[name])

    def add(self, text: str) -> None:
        if self.texts:
            self.texts[-1] += text

    def paragraph(self, kind: str, level: str) -> None:
        if kind == START:
            self.texts.append("")
            if len(self.texts) == 1:
                self.level = int(level) if level.isdecimal() else 1
        elif kind == END and self.texts:
            text = self.texts.pop()
            if self.texts:
                self.add(f" [{text}]")
            else:
                self.writer.paragraph(text, self.level, self.lists - 1 if self.lists else None)
