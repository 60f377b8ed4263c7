"""Jupyter notebooks: Markdown, code, and what the code printed."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from files.readers.passages import Passage, damaged
from files.readers.plain import text_of

LONGEST_OUTPUT = 2_000  # characters


def read(file: BinaryIO, media_type: str, most_pages: int) -> Iterator[Passage]:
    try:
        notebook = json.loads(text_of(file))
        cells = notebook.get("cells") or [c for s in notebook["worksheets"] for c in s["cells"]]
        language = notebook.get("metadata", {}).get("language_info", {}).get("name", "python")
        text = "\n\n".join(part for cell in cells for part in parts_of(cell, str(language)))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise damaged("it is not a whole notebook") from None
    yield Passage(text)


def parts_of(cell: dict[str, Any], language: str) -> Iterator[str]:
    source = joined(cell.get("source", cell.get("input", "")))
    if cell.get("cell_type") != "code":
        yield source
        return
    if source.strip():
        yield f"```{language}\n{source}\n```"
    for output in cell.get("outputs", ()):
        if text := printed(output).strip():
            yield f"```\n{text[:LONGEST_OUTPUT]}\n```"


def printed(output: dict[str, Any]) -> str:
    """The text of a stream, a result or an error; no pictures."""
    if output.get("output_type") == "error":
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    return joined(output.get("text") or output.get("data", {}).get("text/plain", ""))


def joined(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)
