"""Text, Markdown and source code: as they are."""

from collections.abc import Iterator
from typing import BinaryIO

from files.readers.encodings import SAMPLE, decode, is_text
from files.readers.passages import MARKDOWN, Passage, Unreadable


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    text = text_of(file)
    if media_type == MARKDOWN:
        text = without_front_matter(text)
    yield Passage(text, is_markdown=media_type == MARKDOWN)


def text_of(file: BinaryIO) -> str:
    return decode(data_of(file))


def data_of(file: BinaryIO) -> bytes:
    data = file.read()
    if not is_text(data[:SAMPLE]):
        raise Unreadable("It is not text: it holds binary data.")
    return data


def without_front_matter(text: str) -> str:
    """The YAML between two lines of dashes at the top keeps its words, but not its dashes."""
    lines = text.lstrip("\ufeff").split("\n", 200)
    if lines[0].strip() != "---":
        return text
    ends = [number for number, line in enumerate(lines[:-1]) if line.strip() == "---"]
    if len(ends) < 2:
        return text
    return "\n".join([*lines[1 : ends[1]], "", *lines[ends[1] + 1 :]])
