"""What a page of HTML says, as Markdown of the plainest kind: headings, paragraphs, lists, code.

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
main nav ol p section table ul
"""
PARAGRAPHS = dict.fromkeys(PARAGRAPH_NAMES.split(), "\n\n")
BEFORE = {**HEADINGS, **PARAGRAPHS, "li": "\n- ", "br": "\n", "tr": "\n", "td": " ", "th": " "}
AFTER = {**dict.fromkeys([*HEADINGS, *PARAGRAPHS], "\n\n"), "li": "\n", "tr": "\n"}
PRE = "\0"  # where <pre> begins and ends: no document has this character


def text_of(html: str) -> str:
    parts = "".join(pieces(html)).split(PRE)
    parts[::2] = map(tidied, parts[::2])
    parts[1::2] = map(fenced, parts[1::2])
    return "\n\n".join(filter(None, parts))


def pieces(html: str) -> Iterator[str]:
    """The text between the tags, and what the tags stand for."""
    first, *parts = html.split("<")
    yield said(first)
    hidden = ""  # the element that is passed over, or a comment
    is_pre = False
    for part in parts:
        if hidden == COMMENT or (not hidden and part.startswith(COMMENT)):
            _, end, text = part.partition(COMMENT_END)
            hidden = "" if end else COMMENT
            yield said(text, is_pre)
            continue
        inside, _, text = part.partition(">")
        found = NAME.match(inside)
        name = found[0].lower() if found else ""
        if hidden:
            if name == f"/{hidden}":
                hidden = ""
                yield said(text, is_pre)
        elif name in UNSEEN:
            hidden = "" if inside.endswith("/") else name
        elif name == ("/pre" if is_pre else "pre"):
            is_pre = not is_pre
            yield PRE + said(text, is_pre)
        elif name.startswith("/"):
            yield AFTER.get(name[1:], "") + said(text, is_pre)
        elif name or inside.startswith(("!", "?")):
            yield BEFORE.get(name, "") + said(text, is_pre)
        else:
            yield said(f"<{part}", is_pre)  # no tag: `a < b`


def said(text: str, is_pre: bool = False) -> str:
    """Its space counts inside <pre> alone."""
    if not text:
        return ""
    return unescape(text) if is_pre else SPACE.sub(" ", unescape(text))


def fenced(code: str) -> str:
    lines = "\n".join(code.splitlines()).strip("\n")
    return f"```\n{lines}\n```" if lines.strip() else ""


def tidied(text: str) -> str:
    """Without spaces around lines, and with one empty line at most between them."""
    lines = [line.strip() for line in text.split("\n")]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip()
