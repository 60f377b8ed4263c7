"""HTML as Markdown: headings, paragraphs, lists, tables, code; no menus, no scripts."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import BinaryIO

from files.readers import tables
from files.readers.encodings import decode
from files.readers.passages import Passage
from files.readers.plain import data_of

CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
DECLARED_WITHIN = 4_096  # bytes
VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
}
NEVER = {
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "math",
    "iframe",
    "object",
    "canvas",
    "video",
    "audio",
}
FURNITURE = {"nav", "footer", "aside", "button", "select", "dialog", "menu"}
BLOCKS = {
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hr",
    "html",
    "legend",
    "main",
    "nav",
    "ol",
    "p",
    "section",
    "summary",
    "table",
    "ul",
}
LISTS = {"ul", "ol"}
HEADINGS = {f"h{level}": level for level in range(1, 7)}
ROWS, CELLS = {"tbody", "thead", "tfoot"}, {"td", "th"}
# Elements whose end tag may be left out, and what cannot begin within them: HTML, section 13.1.2.4.
ENDED_BY = {
    "p": BLOCKS | HEADINGS.keys() | ROWS | CELLS | {"dir", "li", "menu", "pre", "tr"},
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "option": {"option", "optgroup"},
    "optgroup": {"optgroup"},
    "caption": ROWS | {"tr", "colgroup"},
    "colgroup": ROWS | {"tr"},
    **dict.fromkeys(ROWS, ROWS),
    "tr": ROWS | {"tr"},
    **dict.fromkeys(CELLS, ROWS | CELLS | {"tr"}),
}
# What may hold them: where it ends, they do.
NESTED = (
    BLOCKS | ENDED_BY.keys() | {"button", "datalist", "dir", "menu", "object", "select"}
) - VOID
SPACE = re.compile(r"\s+")
EMPTY_LINES = re.compile(r"[ \t]*\n[ \t]*(\n[ \t]*)+")


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    yield passage(text_of(data_of(file)))


def text_of(data: bytes) -> str:
    head = data[:DECLARED_WITHIN]
    declared = XML_ENCODING.search(head) or CHARSET.search(head)
    return decode(data, declared[1].decode("ascii", "ignore") if declared else "")


def passage(html: str, section: str = "") -> Passage:
    """The page's main part where it has one; its menus only where it has nothing else."""
    page = Page(FURNITURE)
    page.feed(html)
    page.close()
    text = page.main or page.whole
    if not text:
        page = Page(set())
        page.feed(html)
        page.close()
        text = page.whole
    return Passage(text, section=section or page.title)


class Page(HTMLParser):
    """Collects Markdown. What is written goes to the last of `outputs`: a cell's, or the page's."""

    def __init__(self, furniture: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.skipped = NEVER | furniture
        self.outputs: list[list[str]] = [[]]
        self.tables: list[Table] = []
        self.skipping: list[str] = []  # the element that is passed over, and those open in it
        self.heading: list[str] | None = None
        self.lists = 0  # open ones
        self.in_pre = self.in_title = False
        self.title = ""
        self.main_bounds: list[int] = []

    @property
    def whole(self) -> str:
        return tidied("".join(self.outputs[0]))

    @property
    def main(self) -> str:
        if not self.main_bounds:
            return ""
        first, *ends = self.main_bounds
        return tidied("".join(self.outputs[0][first : ends[0] if ends else None]))

    def write(self, text: str) -> None:
        self.outputs[-1].append(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipping:
            self.skip_start(tag)
        if self.skipping:
            return
        if (tag in self.skipped or is_hidden(dict(attrs))) and tag not in VOID:
            self.skipping = [tag]
        elif tag in HEADINGS:
            self.write("\n\n" + "#" * HEADINGS[tag] + " ")
            if self.tables:
                self.tables[-1].is_layout = True
        else:
            self.start(tag, dict(attrs))

    def skip_start(self, tag: str) -> None:
        while self.skipping and tag in ENDED_BY.get(self.skipping[-1], ()):
            self.skipping.pop()
        if self.skipping and (tag in NESTED or tag == self.skipping[0]):
            self.skipping.append(tag)

    def skip_end(self, tag: str) -> bool:
        """False: what the element stands in ends here, and it with that."""
        if tag in self.skipping:
            while self.skipping.pop() != tag:
                pass
        elif tag in NESTED - {"p"} and self.skipping[0] in ENDED_BY:  # a stray </p> ends nothing
            self.skipping.clear()
            return False
        return True

    def start(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag in BLOCKS and not (tag in LISTS and self.lists):
            self.write("\n\n")
        is_main = tag == "main" or attributes.get("role") == "main"
        if is_main and not self.main_bounds and len(self.outputs) == 1:
            self.main_bounds.append(len(self.outputs[0]))
        match tag:
            case "title":
                self.in_title = not self.title
            case "br":
                self.write("\n")
            case "pre":
                self.in_pre = True
                self.write("\n\n```\n")
            case "ul" | "ol":
                self.lists += 1
            case "li":
                self.write("\n" + "  " * max(0, self.lists - 1) + "- ")
            case "table" | "tr" | "td" | "th":
                self.start_table_part(tag)

    def start_table_part(self, tag: str) -> None:
        if tag == "table":
            for table in self.tables[-1:]:
                table.is_layout = True
            self.tables.append(Table(len(self.outputs)))
        elif self.tables:
            self.end_cell()
            if tag == "tr":
                self.tables[-1].rows.append([])
            else:
                self.outputs.append([])

    def handle_endtag(self, tag: str) -> None:
        if self.skipping and self.skip_end(tag):
            return
        if tag in HEADINGS or tag in BLOCKS:
            self.end_block(tag)
        elif tag == "title":
            self.in_title = False
        elif tag == "pre" and self.in_pre:
            self.in_pre = False
            self.write("\n```\n\n")
        elif tag in ("td", "th", "tr") and self.tables:
            self.end_cell()

    def end_block(self, tag: str) -> None:
        if tag in LISTS:
            self.lists = max(0, self.lists - 1)
        if tag == "table" and self.tables:
            self.end_table()
        if tag == "main" and len(self.main_bounds) == 1 and len(self.outputs) == 1:
            self.main_bounds.append(len(self.outputs[0]))
        self.write("\n" if self.lists else "\n\n")

    def end_cell(self) -> None:
        table = self.tables[-1]
        if len(self.outputs) > table.depth:
            cell = "".join(self.outputs.pop())
            if not table.rows:
                table.rows.append([])
            table.rows[-1].append(cell)

    def end_table(self) -> None:
        self.end_cell()
        self.write("\n\n" + self.tables.pop().text + "\n\n")

    def handle_data(self, data: str) -> None:
        if self.in_title:
            self.title += data
        elif not self.skipping:
            self.write(data if self.in_pre else SPACE.sub(" ", data))

    def close(self) -> None:
        super().close()
        if self.in_pre:
            self.write("\n```\n")
        while self.tables:
            self.end_table()


class Table:
    def __init__(self, depth: int) -> None:
        self.depth = depth  # outputs there were before it
        self.rows: list[list[str]] = []
        self.is_layout = False  # holds headings or further tables: no table of data

    @property
    def text(self) -> str:
        if self.is_layout:
            return "\n\n".join(cell for row in self.rows for cell in row)
        return "\n".join(tables.lines_of(self.rows, least_columns=3))


def is_hidden(attributes: dict[str, str | None]) -> bool:
    style = (attributes.get("style") or "").replace(" ", "").lower()
    hidden = "hidden" in attributes or attributes.get("aria-hidden") == "true"
    return hidden or "display:none" in style


def tidied(text: str) -> str:
    """Without spaces at line ends and more than one empty line. Code keeps its indentation."""
    parts = text.split("```")
    parts[::2] = [
        EMPTY_LINES.sub("\n\n", re.sub(r"(?m)(?<=\S)[ \t]+$|^ (?=\S)", "", part))
        for part in parts[::2]
    ]
    return "```".join(parts).strip()
