"""What every reader gives: passages of text, or the reason why there are none."""

import re
from typing import NamedTuple

MARKDOWN = "text/markdown"
LONGEST_SECTION = 300  # characters
# Characters that carry no text, or that PostgreSQL cannot store.
UNWANTED = dict.fromkeys([*range(9), 11, *range(14, 32), *range(127, 160), 0xAD, 0xFEFF, 0xFFFE])
UNWANTED |= {12: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n\n"}
SURROGATE = re.compile("[\ud800-\udfff]")
# What nobody sees, and a model reads all the same: private characters, which say something in one
# font alone, and those of category Cf but for what joins letters, orders them or is seen itself.
UNSEEN = re.compile(
    "[\u200b\u2060-\u2065\u206a-\u206f\ufff9-\ufffb\ue000-\uf8ff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001-\U000e007f\U000f0000-\U0010ffff]+"
)


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
    """Without control characters, soft hyphens and what is not seen; all of it can be stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(UNWANTED)
    text = UNSEEN.sub("", text)
    return SURROGATE.sub("\ufffd", text)


def cleaned(passage: Passage) -> Passage:
    section = " ".join(clean(passage.section).split())[:LONGEST_SECTION]
    return passage._replace(text=clean(passage.text).strip("\n"), section=section)
