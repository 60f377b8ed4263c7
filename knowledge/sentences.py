"""A passage as statements that can stand alone: its sentences, the items of its lists, the cells of
its tables with what they are of. Code and headings are none.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from knowledge.chunking import FENCE, HEADING
from knowledge.lexical import UNSPACED

LONGEST = 600  # characters; what is longer has no sentences
FEWEST_WORDS = 3
MOST_SIGNS = (
    0.25  # share of characters that are neither letters nor digits nor spaces: beyond is code
)
WIDE = 3  # columns of a table; a row of more is told cell by cell
ROW = re.compile(r"^\s*\|.*\|\s*$")
RULE = re.compile(r"^[\s|:+-]+$")
# A row as our readers write it, `Name: Ann; City: Paris`; without names it is `Ann | Paris`.
RECORD = re.compile(r"^[^:;]{1,100}: [^;]+(?:; [^:;]{1,100}: [^;]+)+$")
ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
QUOTE = re.compile(r"^\s*(?:>\s?)+")
CELL = re.compile(r"(?<!\\)\|")
# The end of a sentence: not after an abbreviation, an initial or a number's point; and what follows
# does not go on in lower case. Text that is all lower case sets its full stops apart.
END = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+(?=[^a-z\s])|(?<=\s[.!?])\s+|(?<=[。！？])")
ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|cf|vs|etc|al|fig|figs|eq|no|nos|vol|pp?|mr|mrs|ms|dr|prof|st|approx|"
    r"inc|ltd|co|[a-z])\.$",
    re.IGNORECASE,
)
CLOSED = (*".!?…:;,-–—", '"', "”", ")")
NUMBERED = re.compile(r"\d+(\.\d+)*\.?\s")
WORDS = re.compile(r"\w+")
SIGNS = re.compile(r"[^\w\s]")
UNSPACED_RUN = re.compile(rf"[{UNSPACED}]{{4}}")
SPACES = re.compile(r"\s+")


def statements(content: str) -> list[list[str]]:
    """In the order of the passage, those of a paragraph in a list of their own."""
    text = HEADING.sub("\n", FENCE.sub("\n\n", content))
    paragraphs = (
        paragraph for block in blocks(tabled(text.splitlines())) for paragraph in told(block)
    )
    found = ([said for said in paragraph if says_something(said)] for paragraph in paragraphs)
    return [paragraph for paragraph in found if paragraph]


def says_something(statement: str) -> bool:
    """Not a label, nor the announcement of a list or an example, nor a line of code."""
    words = WORDS.findall(statement)
    signs = len(SIGNS.findall(statement))
    return (
        (len(words) >= FEWEST_WORDS or bool(UNSPACED_RUN.search(statement)))
        and signs <= MOST_SIGNS * len(statement) <= MOST_SIGNS * LONGEST
        and not statement.endswith((":", "："))
    )


def tabled(lines: list[str]) -> list[str]:
    """With loose rows as those of a table, where two of as many cells follow each other: a line
    alone may be a command, or prose. Without the names above records, which have them, too."""
    cells = [0, *[0 if is_row(line) or "`" in line else line.count(" | ") for line in lines], 0]
    told = []
    for line, before, here, after, following in zip(
        lines, cells, cells[1:], cells[2:], [*lines[1:], ""], strict=False
    ):
        if here and here in (before, after):
            told.append(f"| {line} |")
        else:
            told.append("" if here and RECORD.match(following) else line)
    return told


def blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Paragraphs, items and tables."""
    block: list[str] = []
    for line in lines:
        line = QUOTE.sub("", line)
        if (
            not line.strip()
            or ITEM.match(line)
            or is_row(line) != is_row(block[-1] if block else "")
            or any(map(RECORD.match, [line, *block[-1:]]))
        ):
            yield from [block] if block else []
            block = []
        if line.strip():
            block.append(line)
    yield from [block] if block else []


def is_row(line: str) -> bool:
    return bool(ROW.match(line))


def told(block: list[str]) -> list[list[str]]:
    """A paragraph, or the statements of a table: no two of them belong together."""
    if is_row(block[0]):
        return [[said] for said in rows(block)]
    return [sentences(joined([ITEM.sub("", line).strip() for line in block]))]


def joined(lines: list[str]) -> str:
    """The lines of a paragraph as one. A title among them, as text out of a PDF has it, is set
    apart from the sentence below it."""
    width = max(map(len, lines))
    text, begins = "", True
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        is_title = begins and is_above(line, following, width)
        text += f"{line}: " if is_title else f"{line} "
        begins = is_title or line.endswith(CLOSED)
    return text


def is_above(line: str, following: str, width: int) -> bool:
    """Whether a line ends without an end, and not because the next word had no room on it."""
    begins = line[:1].isupper() or NUMBERED.match(line)
    if line.endswith(CLOSED) or not begins or not following[:1].isupper():
        return False
    return len(line) + 1 + len(following.split(" ", 1)[0]) <= width


def sentences(text: str) -> list[str]:
    """The text cut where sentences end."""
    found: list[str] = []
    start = 0
    for match in END.finditer(text):
        if not ABBREVIATED.search(text[start : match.start()]):
            found.append(text[start : match.end()])
            start = match.end()
    found.append(text[start:])
    return [SPACES.sub(" ", said).strip() for said in found if said.strip()]


def rows(lines: list[str]) -> list[str]:
    """`premium: 500 requests a minute` of a table, with its head if it is there and says something:
    converters leave it empty."""
    has_head = len(lines) > 1 and "-" in lines[1] and bool(RULE.match(lines[1]))
    head = cells(lines[0]) if has_head and not RULE.match(lines[0]) else []
    body = [cells(line) for line in lines[1 if head else 0 :] if not RULE.match(line)]
    return [said for row in body for said in cells_told(head, row)]


def cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [SPACES.sub(" ", cell).strip() for cell in CELL.split(inner)]


def cells_told(head: list[str], row: list[str]) -> list[str]:
    label, *values = row
    names = head[1:] if len(head) == len(row) else [""] * len(values)
    pairs = [(name, value) for name, value in zip(names, values, strict=True) if value]
    of = f"{label}: " if label else ""
    if not pairs:
        return [label]
    if len(row) > WIDE and any(names):
        return [of + with_name(name, value) for name, value in pairs]
    if len(pairs) == 1:
        return [of + pairs[0][1]]
    return [of + ", ".join(with_name(name, value) for name, value in pairs)]


def with_name(name: str, value: str) -> str:
    return f"{value} ({name})" if name else value
