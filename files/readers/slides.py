"""PPTX: a passage for each slide, named by its title, with its notes."""

from collections.abc import Iterator
from typing import BinaryIO

from files.readers.archive import Archive
from files.readers.passages import Passage
from files.readers.written import Writer
from files.readers.xml_events import START, TEXT, events

TITLES = {"title", "ctrTitle"}
NO_CONTENT = {"sldNum", "dt", "ftr", "hdr", "sldImg"}


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    archive = Archive(file)
    for number, name in enumerate(slides_of(archive), 1):
        slide = Slide(archive, name)
        texts = [slide.writer.text]
        texts += [
            Slide(archive, part).writer.text for part in related(archive, name, "diagramData")
        ]
        notes = [Slide(archive, part).writer.text for part in related(archive, name, "notesSlide")]
        texts += [f"Notes: {text}" for text in notes if text]
        yield Passage("\n\n".join(filter(None, texts)), number, slide.title, is_markdown=False)


def related(archive: Archive, slide: str, kind: str) -> list[str]:
    return archive.related_of_kind(slide, kind)


def slides_of(archive: Archive) -> list[str]:
    """The slides' parts, in the order in which they are shown."""
    main = archive.main_part("ppt/presentation.xml")
    parts = archive.related(main)
    found = [
        parts.get(attributes.get("r:id", ""), ("", ""))[1]
        for kind, name, attributes in events(archive.pieces(main))
        if kind == START and name == "sldId"
    ]
    return [name for name in found if name in archive.names]


class Slide:
    """Its text: each shape's paragraphs, tables row by row."""

    def __init__(self, archive: Archive, part: str) -> None:
        self.writer = Writer()
        self.title = ""
        self.placeholder = ""
        self.text, self.in_text = "", False
        for event in events(archive.pieces(part)):
            self.take(*event)

    def take(self, kind: str, name: str, attributes: dict[str, str]) -> None:
        if kind == TEXT:
            self.text += name if self.in_text else ""
        elif name == "t":
            self.in_text = kind == START
        elif name in ("tbl", "tr", "tc"):
            self.writer.table_part(name, begins=kind == START)
        elif kind == START:
            self.begin(name, attributes)
        elif name == "p":
            self.end_paragraph()

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("sp", "graphicFrame"):
            self.placeholder = ""
        elif name == "ph":
            self.placeholder = attributes.get("type", "body")
        elif name == "p":
            self.text = ""
        elif name == "br":
            self.text += "\n"

    def end_paragraph(self) -> None:
        if self.placeholder in TITLES:
            self.title = f"{self.title} {self.text}".strip()
        if self.placeholder not in NO_CONTENT:
            self.writer.paragraph(self.text)
        self.text = ""
