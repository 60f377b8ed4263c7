"""Two versions compared: as unified text, which `patch` takes, and as a list of hunks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from documents.diffing import Change, find_changes
from documents.models import VERSIONED, Version

CONTEXT = 3  # equal lines around a change
NO_NEWLINE = "\n\\ No newline at end of file\n"
SIGNS = {"equal": " ", "delete": "-", "insert": "+"}


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changes near each other, with their surroundings. Lines are counted from 1, as in `patch`:
    a side without lines starts at the line before."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    pieces: list[tuple[str, list[str]]]  # equal, delete or insert, and the lines with their ends

    def as_json(self) -> dict[str, Any]:
        return {
            "old_start": self.old_start,
            "old_lines": self.old_lines,
            "new_start": self.new_start,
            "new_lines": self.new_lines,
            "pieces": [{"op": op, "lines": lines} for op, lines in self.pieces],
        }

    def as_text(self) -> Iterator[str]:
        yield f"@@ -{self.old_start},{self.old_lines} +{self.new_start},{self.new_lines} @@\n"
        for op, lines in self.pieces:
            for line in lines:
                yield SIGNS[op] + (line if line.endswith("\n") else line + NO_NEWLINE)


def compare(old: Version, new: Version) -> dict[str, Any]:
    """What the API shows of the way from one version to another."""
    before, after = lines_of(old.content), lines_of(new.content)
    changes = find_changes(before, after)
    hunks = [hunk_of(group, before, after) for group in groups(changes)]
    return {
        "from": old.number,
        "to": new.number,
        "changes": {
            name: {"from": getattr(old, name) or None, "to": getattr(new, name) or None}
            for name in VERSIONED
            if name != "content" and getattr(old, name) != getattr(new, name)
        },
        "additions": sum(change.new_end - change.new_start for change in changes),
        "deletions": sum(change.old_end - change.old_start for change in changes),
        "unified": unified(old, new, hunks),
        "hunks": [hunk.as_json() for hunk in hunks],
    }


def lines_of(text: str) -> list[str]:
    """Lines with their ends; only the last one may lack its own."""
    *whole, last = text.split("\n")
    lines = [f"{line}\n" for line in whole]
    return [*lines, last] if last else lines


def unified(old: Version, new: Version, hunks: list[Hunk]) -> str:
    if not hunks:
        return ""
    text = "".join(part for hunk in hunks for part in hunk.as_text())
    return f"--- version {old.number}\n+++ version {new.number}\n{text}"


def groups(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Changes whose surroundings touch are shown together."""
    group: list[Change] = []
    for change in changes:
        if group and change.old_start - group[-1].old_end > 2 * CONTEXT:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def hunk_of(group: list[Change], before: list[str], after: list[str]) -> Hunk:
    first, last = group[0], group[-1]
    above = min(CONTEXT, first.old_start)
    below = min(CONTEXT, len(before) - last.old_end)
    old_start, old_end = first.old_start - above, last.old_end + below
    new_start, new_end = first.new_start - above, last.new_end + below
    pieces, at = [], old_start
    for change in group:
        pieces.append(("equal", before[at : change.old_start]))
        pieces.append(("delete", before[change.old_start : change.old_end]))
        pieces.append(("insert", after[change.new_start : change.new_end]))
        at = change.old_end
    pieces.append(("equal", before[at:old_end]))
    return Hunk(
        *(first_line(old_start, old_end), old_end - old_start),
        *(first_line(new_start, new_end), new_end - new_start),
        [(op, lines) for op, lines in pieces if lines],
    )


def first_line(start: int, end: int) -> int:
    return start + 1 if end > start else start
