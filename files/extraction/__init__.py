"""Text of uploaded files: plain text and Markdown."""

from collections.abc import Callable
from pathlib import Path

from knowledge.chunking import Block

BEGINNING = 8_192  # bytes that show what a file is
MARKDOWN = {".md", ".markdown"}


class UnsupportedType(Exception):
    """Nobody can read text in files of this type."""


class ExtractionFailed(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason  # a sentence for people


def detect(path: Path, filename: str) -> str:
    """The media type, by content; by the name only which kind of text it is.

    Raises UnsupportedType.
    """
    with path.open("rb") as file:
        beginning = file.read(BEGINNING)
    if b"\0" in beginning:
        raise UnsupportedType
    return "text/markdown" if Path(filename).suffix.lower() in MARKDOWN else "text/plain"


def extract(
    path: Path,
    *,
    media_type: str,
    filename: str,
    progress: Callable[[], None] | None = None,
) -> list[Block]:
    """Raises ExtractionFailed, and whatever `progress` raises."""
    if progress:
        progress()
    text = path.read_text("utf-8-sig", errors="replace")
    if not text.strip():
        raise ExtractionFailed("No text found: the file is blank.")
    return [Block(text, is_markdown=media_type == "text/markdown")]
