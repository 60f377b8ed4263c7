"""A model's calls of functions: read from its answer, put together from the pieces they come in.

Shapes: https://platform.openai.com/docs/guides/function-calling. Providers differ: some number no
call, some give each the number 0, some send all of one at once.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MOST_CALLS = 32  # of one answer; what is beyond is not read
MOST_CHARACTERS = 6_000_000  # of a call's arguments: a document of 1 MB, each character escaped
LONGEST_NAME = 64


class TooLong(Exception):
    """The model does not know when to stop."""


@dataclass(slots=True)
class FunctionCall:
    """`pieces` of the arguments' JSON are joined once, at the end: they may be very many."""

    index: int | None
    id: str
    name: str
    pieces: list[str]
    size: int = 0

    @property
    def arguments(self) -> str:
        """JSON, it is to be hoped. Emoji whose halves came apart are whole again."""
        text = "".join(self.pieces)
        if text.isascii():
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def add(self, later: "FunctionCall") -> None:
        self.name = self.name or later.name
        self.pieces += later.pieces
        self.size += later.size
        if self.size > MOST_CHARACTERS:
            raise TooLong


def read(said: Any) -> list[FunctionCall]:
    """`tool_calls` of a message or of a delta. Raises TypeError for what is none."""
    if not isinstance(said, list):
        raise TypeError
    return [_read_one(item) for item in said]


def _read_one(item: dict[str, Any]) -> FunctionCall:
    function = item.get("function") or {}
    arguments = function.get("arguments") or ""
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments)
    index, id, name = item.get("index"), item.get("id") or "", function.get("name") or ""
    if not all(isinstance(text, str) for text in (arguments, id, name)):
        raise TypeError
    return FunctionCall(
        index if isinstance(index, int) else None,
        plain(id),
        plain(name)[:LONGEST_NAME],
        [arguments] if arguments else [],
        len(arguments),
    )


def plain(word: str) -> str:
    """Without what no database column takes."""
    return word if word.isalnum() else word.replace("\0", "").encode("utf-8", "replace").decode()


def join(calls: list[FunctionCall], later: Iterable[FunctionCall]) -> list[FunctionCall]:
    """`calls` with the pieces of `later`: the list itself, changed. Raises TooLong."""
    for piece in later:
        if (begun := _continued(calls, piece)) is not None:
            begun.add(piece)
        elif len(calls) < MOST_CALLS:
            calls.append(piece)
    return calls


def _continued(calls: list[FunctionCall], piece: FunctionCall) -> FunctionCall | None:
    """The call that `piece` goes on with. One with a name and another id is a new one: there are
    servers that give each piece an id of its own."""
    for call in reversed(calls):
        if piece.index is None or call.index == piece.index:
            is_other = piece.name and piece.id and piece.id != call.id
            return None if is_other or (piece.index is None and piece.name) else call
    return None
