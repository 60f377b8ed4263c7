"""What a page of HTML says, as Markdown of the plainest kind: headings, paragraphs, lists.

In one pass, whatever is in it: Python's own parser takes hours over a megabyte of open quotes.
"""

import re
from collections.abc import Iterator
from html import unescape

NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]*")
SPACE = re.compile(r"\s+")
COMMENT, COMMENT_END = "!--", "-->"
UNSEEN = {"script", "style", "template", "noscript", "svg", "title"}
# What stands before the text that follows a tag.
HEADINGS = {f"h{level}": f"\n\n{'#' * level} " for level in range(1, 7)}
PARAGRAPH_NAMES = """
address article aside blockquote body dd div dl dt figcaption figure footer form header hr html
main nav ol p pre section table ul
"""
PARAGRAPHS = dict.fromkeys(PARAGRAPH_NAMES.split(), "\n\n")
BEFORE = {**HEADINGS, **PARAGRAPHS, "li": "\n- ", "br": "\n", "tr": "\n", "td": " ", "th": " "}
AFTER = {**dict.fromkeys([*HEADINGS, *PARAGRAPHS], "\n\n"), "li": "\n", "tr": "\n"}


def text_of(html: str) -> str:
    return tidied("".join(pieces(html)))


def pieces(html: str) -> Iterator[str]:
    """The text between the tags, and what the tags stand for."""
    first, *parts = html.split("<")
    yield said(first)
    hidden = ""  # the element that is passed over, or a comment
    for part in parts:
        if hidden == COMMENT or (not hidden and part.startswith(COMMENT)):
            _, end, text = part.partition(COMMENT_END)
            hidden = "" if end else COMMENT
            yield said(text)
            continue
        inside, _, text = part.partition(">")
        found = NAME.match(inside)
        name = found[0].lower() if found else ""
        if hidden:
            if name == f"/{hidden}":
                hidden = ""
                yield said(text)
        elif name in UNSEEN:
            hidden = "" if inside.endswith("/") else name
        elif name.startswith("/"):
            yield AFTER.get(name[1:], "") + said(text)
        elif name or inside.startswith(("!", "?")):
            yield BEFORE.get(name, "") + said(text)
        else:
            yield said(f"<{part}")  # no tag: `a < b`


def said(text: str) -> str:
    return SPACE.sub(" ", unescape(text)) if text else ""


def tidied(text: str) -> str:
    """Without spaces around lines, and with one empty line at most between them."""
    lines = [line.strip() for line in text.split("\n")]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip()
