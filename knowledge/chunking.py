"""Text in pieces that fit the embedder, split where its structure does."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from knowledge import tokens
from knowledge.models import SECTION_LENGTH
from knowledge.splitting import split_text

MARKS = 2  # tokens that mark the beginning and the end of a text
LONGEST_HEADER = 48  # tokens
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(?P<heading>\S[^\n]*)$", re.MULTILINE)
FENCE = re.compile(
    r"^ {0,3}(`{3,}(?=[^`\n]*$)|~{3,}).*?(^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
# In one pass: what looks like a heading in a block of code is part of the block.
FENCE_OR_HEADING = re.compile(f"{FENCE.pattern}|{HEADING.pattern}", FENCE.flags)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of extracted text that no chunk reaches beyond: a page, a slide, a whole file.

    The headings of Markdown begin sections; what is before the first belongs to `section`.
    """

    text: str
    page: int | None = None
    section: str = ""
    is_markdown: bool = True


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk to be. `header` is what its vector is to know besides: title and section."""

    content: str
    page: int | None
    section: str
    header: str
    token_count: int

    @property
    def embedded_text(self) -> str:
        return f"{self.header}\n{self.content}" if self.header else self.content


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    headings: str  # more than one where nothing stands between them
    body: str


def split(blocks: Iterable[Block], *, title: str, window: int) -> Iterator[Piece]:
    """Pieces that, with their header, have at most `window` tokens."""
    most = window - MARKS
    for block in blocks:
        for section in sections_of(block):
            for content in contents(section, title, most):
                yield piece(content, block.page, section.name, title, most)


def contents(section: Section, title: str, most: int) -> Iterator[str]:
    """The section's headings go with the first piece of what stands below them."""
    headings, body = section.headings.strip(), section.body.strip()
    before = max(tokens.count(headings), tokens.count(f"{title} - {section.name}"))
    if headings and before > LONGEST_HEADER:
        headings, body = "", f"{headings}\n\n{body}"
    room = most - min(LONGEST_HEADER, before + 1)
    for content in split_text(body, room):
        yield f"{headings}\n\n{content}" if headings else content
        headings = ""
    if headings:
        yield headings


def sections_of(block: Block) -> list[Section]:
    """A heading with nothing below it stands before the next section."""
    starts = headings_of(block.text) if block.is_markdown else []
    named = [(0, 0, block.section[:SECTION_LENGTH]), *starts]
    ends = [start for start, _, _ in starts] + [len(block.text)]
    found: list[Section] = []
    headings = ""
    for (start, body_start, name), end in zip(named, ends, strict=True):
        headings += block.text[start:body_start] + "\n\n"
        body = block.text[body_start:end]
        if body.strip() or (headings.strip() and end == len(block.text)):
            found.append(Section(name, headings, body))
            headings = ""
    return found


def headings_of(text: str) -> list[tuple[int, int, str]]:
    """(offset, where it ends, name) of each Markdown heading; a `#` in a code block is none."""
    if "#" not in text:
        return []
    return [
        (match.start(), match.end(), match["heading"].rstrip("# \t\r")[:SECTION_LENGTH])
        for match in FENCE_OR_HEADING.finditer(text)
        if match["heading"]
    ]


def piece(content: str, page: int | None, section: str, title: str, most: int) -> Piece:
    count = tokens.count(content)
    return Piece(content, page, section, header(title, section, content, most - count), count)


def embedded_text(content: str, section: str, title: str, window: int) -> str:
    """What a stored chunk's vector is made of."""
    return piece(content, None, section, title, window - MARKS).embedded_text


def header(title: str, section: str, content: str, room: int) -> str:
    """Title and section, where the content does not begin with them itself and there is room."""
    most = min(LONGEST_HEADER, room) - 1
    if most <= 0:
        return ""
    beginning = content.lstrip("# ").casefold()
    parts = [
        part for part in (title, section) if part and not beginning.startswith(part.casefold())
    ]
    return tokens.cut(" - ".join(dict.fromkeys(parts)), most)
