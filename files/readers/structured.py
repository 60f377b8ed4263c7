"""JSON: values with the path to them, so that each can be understood alone."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from files.readers.passages import Passage
from files.readers.plain import text_of

JSON_LINES = "application/jsonl"
LONGEST_LINE = 300  # characters of an object that is shown on one line


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    """What is no JSON after all (comments, a missing end) is text."""
    text = text_of(file)
    try:
        if media_type == JSON_LINES:
            values = [parsed(line) for line in text.split("\n") if line.strip()]
        else:
            values = parsed(text)
        shown = "\n\n".join(records(values))
    except (ValueError, RecursionError):
        shown = text
    yield Passage(shown, is_markdown=False)


def parsed(text: str) -> Any:
    """Numbers as they are written: a version 1.10 is not 1.1."""
    return json.loads(text, parse_int=str, parse_float=str)


def records(value: Any) -> Iterator[str]:
    """A paragraph for each item of a list, or one for all."""
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for item in value:
            yield paragraph(item)
    else:
        yield paragraph(value)


def paragraph(value: Any) -> str:
    lines = list(leaves(value, ""))
    together = "; ".join(lines)
    return together if len(together) <= LONGEST_LINE else "\n".join(lines)


def leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    elif value not in (None, "", []):
        yield f"{path}: {scalar(value)}" if path else scalar(value)


def scalar(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(scalar(item) for item in value if item is not None)
    return str(value).lower() if isinstance(value, bool) else str(value)
