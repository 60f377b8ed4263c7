"""What every reader gives: passages of text, or the reason why there are none."""

import re
from typing import NamedTuple

MARKDOWN = "text/markdown"
LONGEST_SECTION = 300  # characters
# Characters that carry no text, or that PostgreSQL cannot store.
UNWANTED = dict.fromkeys([*range(9), 11, *range(14, 32), *range(127, 160), 0xAD, 0xFEFF, 0xFFFE])
UNWANTED |= {12: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n\n"}
SURROGATE = re.compile("[\ud800-\udfff]")


class Passage(NamedTuple):
    """knowledge.chunking.Block, in a process that is not to load Django."""

    text: str
    page: int | None = None
    section: str = ""
    is_markdown: bool = True


class Unreadable(Exception):
    """`reason` is a sentence for the person whose file it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def damaged(how: str) -> Unreadable:
    return Unreadable(f"The file is damaged: {how}.")


def clean(text: str) -> str:
    """Without control characters and soft hyphens; every character can be stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(UNWANTED)
    return SURROGATE.sub("\ufffd", text)


def cleaned(passage: Passage) -> Passage:
    section = " ".join(clean(passage.section).split())[:LONGEST_SECTION]
    return passage._replace(text=clean(passage.text).strip("\n"), section=section)
