"""DOCX as Markdown: headings by style, lists, tables, footnotes where they are referred to."""

from collections.abc import Iterator
from typing import BinaryIO

from files.readers.archive import Archive
from files.readers.passages import Passage
from files.readers.word_styles import Styles, styles_of
from files.readers.written import Writer
from files.readers.xml_events import END, START, TEXT, Event, events

NOTES = {"footnotes": "footnote", "endnotes": "endnote"}
# mc:Fallback says again what stands before it; the rest is no part of the text as it is now.
PASSED_OVER = {"Fallback", "del", "moveFrom", "rPr", "instrText", "sectPr", "pPrChange"}
CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    archive = Archive(file)
    main = archive.main_part("word/document.xml")
    body = Body(styles_of(archive, main), notes_of(archive, main))
    for event in without(PASSED_OVER, events(archive.pieces(main))):
        body.take(*event)
    yield Passage(body.writer.text)


def without(names: set[str], found: Iterator[Event]) -> Iterator[Event]:
    """Events outside of these elements."""
    depth = 0
    for event in found:
        kind, name, _ = event
        if kind == START and (depth or name in names):
            depth += 1
        elif kind == END and depth:
            depth -= 1
        elif not depth:
            yield event


def notes_of(archive: Archive, main: str) -> dict[tuple[str, str], str]:
    """Text of foot- and endnotes by (`footnote` or `endnote`, id)."""
    found: dict[tuple[str, str], str] = {}
    for kind, note in NOTES.items():
        for part in archive.related_of_kind(main, kind):
            number, in_text = "", False
            for event, name, attributes in events(archive.pieces(part)):
                if event == START and name == note:
                    number = attributes.get("id", "")
                if name == "t":
                    in_text = event == START
                elif event == TEXT and in_text:
                    found[note, number] = found.get((note, number), "") + name
    return found


class Body:
    """Takes the events of a document's body and writes its paragraphs."""

    def __init__(self, styles: Styles, notes: dict[tuple[str, str], str]) -> None:
        self.styles, self.notes = styles, notes
        self.writer = Writer()
        self.in_text = False
        self.paragraphs: list[Paragraph] = []  # those begun: a text box has some within another's

    def take(self, kind: str, name: str, attributes: dict[str, str]) -> None:
        if kind == TEXT:
            if self.in_text and self.paragraphs:
                self.paragraphs[-1].text += name
        elif name == "t":
            self.in_text = kind == START
        elif name in ("tbl", "tr", "tc"):
            self.writer.table_part(name, begins=kind == START)
        elif name == "p":
            self.paragraph(begins=kind == START)
        elif kind == START and self.paragraphs:
            self.property(name, attributes)

    def property(self, name: str, attributes: dict[str, str]) -> None:
        paragraph = self.paragraphs[-1]
        value = attributes.get("val", "")
        if name == "pStyle":
            paragraph.style = value
        elif name == "outlineLvl" and value.isdecimal():
            paragraph.level = int(value) + 1
        elif name == "ilvl" and value.isdecimal():
            paragraph.indent = int(value)
        elif name == "numId":
            paragraph.is_item = value != "0"
        elif name in CHARACTERS and not attributes.get("pos"):  # with one it is a tab stop
            paragraph.text += CHARACTERS[name]
        elif name in ("footnoteReference", "endnoteReference"):
            note = self.notes.get((name.removesuffix("Reference"), attributes.get("id", "")))
            paragraph.notes += f" [{note.strip()}]" if note and note.strip() else ""

    def paragraph(self, *, begins: bool) -> None:
        if begins:
            self.paragraphs.append(Paragraph())
        elif self.paragraphs:
            done = self.paragraphs.pop()
            level = self.styles.level(done.style) if done.level is None else done.level
            is_item = done.is_item or self.styles.is_list(done.style)
            self.writer.paragraph(done.text + done.notes, level, done.indent if is_item else None)


class Paragraph:
    def __init__(self) -> None:
        self.text = self.notes = self.style = ""
        self.level: int | None = None
        self.indent = 0
        self.is_item = False
