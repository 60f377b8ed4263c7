"""The lines of PDF pages made into text again: words, paragraphs, no running titles."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

# Typographic forms of letters that are to be found by the letters: fi, and Arabic as it is drawn.
FORMS = re.compile("[\ufb00-\ufb06\ufb13-\ufb17\ufb50-\ufdf1\ufe70-\ufefc]")
SPACES = re.compile(r"[ \t\xa0\u2000-\u200a\u3000]+")
NUMBERS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
HYPHENATED = re.compile(r"(\w+)[-\u2010]$")
CONTINUED = re.compile(r"([a-zß-ÿāăąćčďēęěğīłńňőœřśšťūůűźžа-яё]\w*)")
ITEM = re.compile(r"([•▪◦‣●○■□–—*·-]\s|\(?(\d{1,3}|[a-zA-Z]|[ivx]+)[.)]\s|\d+(\.\d+)+\s)")
LEADERS = re.compile(r"(\. ?){4,}")  # between a title and its page, in a table of contents
LEADERS_END = re.compile(r"\.\.\. \d+$")
ENDED = re.compile(r"[.!?:;…。！？][\"'”’)\]]*$")
CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
EDGE = 2  # lines at the top and at the bottom of a page that may be running titles
LEAST_PAGES = 4
LEAST_FULL = 30  # characters of a line that is full, in the narrowest column
LONGEST_RUNNING_TITLE = 150  # characters


def lines_of(text: str) -> list[str]:
    text = FORMS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = LEADERS.sub("... ", text)
    lines = (SPACES.sub(" ", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def without_running_titles(pages: list[list[str]]) -> list[list[str]]:
    """Pages without their numbers, and without the lines that stand at the edge of most of them."""
    pages = [without_number(lines, page) for page, lines in enumerate(pages, 1)]
    if len(pages) < LEAST_PAGES:
        return pages
    counts = Counter(
        key for lines in pages for key in {key_of(lines, place) for place in edges(lines)}
    )
    often = {key for key, count in counts.items() if count >= max(LEAST_PAGES, 0.5 * len(pages))}
    return [list(without(lines, often)) or lines for lines in pages]


def without_number(lines: list[str], page: int) -> list[str]:
    return lines[:-1] if lines and lines[-1] == str(page) else lines


def edges(lines: list[str]) -> Iterable[int]:
    size = EDGE if len(lines) > 4 * EDGE else 1
    return {*range(min(size, len(lines))), *range(max(0, len(lines) - size), len(lines))}


def key_of(lines: list[str], place: int) -> tuple[bool, str]:
    """At the top or at the bottom, and the line with its numbers made alike."""
    return place < len(lines) / 2, NUMBERS.sub("#", lines[place])


def without(lines: list[str], often: set[tuple[bool, str]]) -> Iterator[str]:
    edge = set(edges(lines))
    for place, line in enumerate(lines):
        short = len(line) <= LONGEST_RUNNING_TITLE
        if not (place in edge and short and key_of(lines, place) in often):
            yield line


def joined(lines: list[str], words: set[str]) -> str:
    """Paragraphs, each a line. `words` are all those of the document, case-folded."""
    if not lines:
        return ""
    full = max(LEAST_FULL, sorted(map(len, lines))[int(len(lines) * 0.9)])
    text = lines[0]
    for before, line in pairwise(lines):
        if ends_paragraph(before, line, full):
            text += "\n" + line
        else:
            text = continued(text, line, words)
    return text


def ends_paragraph(line: str, following: str, full: int) -> bool:
    """Whether a line was ended on purpose: the next word would have had room on it."""
    if ITEM.match(following) or LEADERS_END.search(line):
        return True
    if HYPHENATED.search(line) and CONTINUED.match(following):
        return False
    needed = len(line) + 1 + len(following.split(" ", 1)[0])
    return needed <= (0.95 if ENDED.search(line) else 0.85) * full


def continued(text: str, line: str, words: set[str]) -> str:
    """The text with the next line of its paragraph: a word that was divided is whole again."""
    head = HYPHENATED.search(text[-60:])
    tail = CONTINUED.match(line)
    if head and tail:
        with_hyphen = f"{head[1]}-{tail[1]}".casefold()
        return f"{text}{line}" if with_hyphen in words else f"{text[:-1]}{line}"
    if CJK.match(text[-1]) and CJK.match(line):
        return text + line
    return f"{text} {line}"
