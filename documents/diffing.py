"""What changed between two texts, line by line.

Patience diff: lines that occur once on either side hold the texts together (Bram Cohen). Between
them, the greedy algorithm of Myers, "An O(ND) Difference Algorithm and Its Variations" (1986). Its
steps are counted: texts with next to nothing in common, in next to no order, are shown as replaced
rather than keep a server busy.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MOST_STEPS = 500_000  # for a whole diff: about a second
OF_REGION = 10  # steps, as long as looking at one takes

Lines = Sequence[int]  # each line as a number: alike lines have the same one


class Block(NamedTuple):
    """`size` equal lines, from `old` on in the one text and from `new` on in the other."""

    old: int
    new: int
    size: int


class Change(NamedTuple):
    """Lines old_start to old_end gave way to new_start to new_end. From 0, ends excluded."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


@dataclass(slots=True)
class Budget:
    """Steps that are left."""

    steps: int = MOST_STEPS


def find_changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """In order. Applying them to the lines `old` makes them `new`."""
    numbers: dict[str, int] = {}
    a, b = ([numbers.setdefault(line, len(numbers)) for line in lines] for lines in (old, new))
    found, at_old, at_new = [], 0, 0
    for block in [*equal_blocks(a, b, Budget()), Block(len(a), len(b), 0)]:
        if block.old > at_old or block.new > at_new:
            found.append(Change(at_old, block.old, at_new, block.new))
        at_old, at_new = block.old + block.size, block.new + block.size
    return found


def equal_blocks(old: Lines, new: Lines, budget: Budget) -> Iterator[Block]:
    """What the texts have in common, in order. Blocks may touch."""
    waiting = [Change(0, len(old), 0, len(new))]
    while waiting:
        start, end, new_start, new_end = waiting.pop()
        budget.steps -= OF_REGION + (end - start + new_end - new_start) // 10
        head = common(old[start:end], new[new_start:new_end])
        if head:
            yield Block(start, new_start, head)
        rest = Change(start + head, end, new_start + head, new_end)
        if rest.old_start == end or rest.new_start == new_end or budget.steps < 0:
            continue
        if anchors := unique_anchors(old, new, rest):
            waiting.extend([*between(rest, anchors)][::-1])
        else:
            yield from shortest(old, new, rest, budget)


def common(a: Lines, b: Lines) -> int:
    """How many lines from the start on are equal. By halves: comparing slices is what is fast."""
    low, high = 0, min(len(a), len(b))
    if not high or a[0] != b[0]:
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def between(region: Change, anchors: list[tuple[int, int]]) -> Iterator[Change]:
    """The region cut before each anchor: every piece but the first begins with an equal line."""
    old, new = region.old_start, region.new_start
    for at_old, at_new in anchors:
        yield Change(old, at_old, new, at_new)
        old, new = at_old, at_new
    yield Change(old, region.old_end, new, region.new_end)


def unique_anchors(old: Lines, new: Lines, region: Change) -> list[tuple[int, int]]:
    """Lines that occur once on both sides: the most of them that are in the same order."""
    once_old = unique_lines(old, region.old_start, region.old_end)
    once_new = unique_lines(new, region.new_start, region.new_end)
    pairs = [(at, once_new[line]) for line, at in once_old.items() if line in once_new]
    return longest_increasing(pairs)


def unique_lines(lines: Lines, start: int, end: int) -> dict[int, int]:
    """Where they are, in order."""
    counted = Counter(lines[start:end])
    return {line: at for at, line in enumerate(lines[start:end], start) if counted[line] == 1}


def longest_increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs in the order of their first number, the most whose second one is in order too."""
    lowest: list[int] = []  # of each length, the lowest second number that such a row ends with
    last: list[int] = []  # and the pair that has it
    before: list[int] = []
    for index, (_, second) in enumerate(pairs):
        length = bisect_left(lowest, second)
        before.append(last[length - 1] if length else -1)
        lowest[length : length + 1], last[length : length + 1] = [second], [index]
    found, index = [], last[-1] if last else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]


def shortest(old: Lines, new: Lines, region: Change, budget: Budget) -> Iterator[Block]:
    """The equal lines that leave the fewest changes; none when the budget does not last."""
    a = old[region.old_start : region.old_end]
    b = new[region.new_start : region.new_end]
    tail = common(a[::-1], b[::-1])
    a, b = a[: len(a) - tail], b[: len(b) - tail]
    rows = [] if set(a).isdisjoint(b) else furthest(a, b, budget)
    for block in way_back(rows):
        yield Block(region.old_start + block.old, region.new_start + block.new, block.size)
    if tail:
        yield Block(region.old_end - tail, region.new_end - tail, tail)


Row = array  # with n changes: how far into `a` one gets on each of its n + 1 diagonals


def furthest(a: Lines, b: Lines, budget: Budget) -> list[Row]:
    """The rows of 0, 1, 2, ... changes, until one reaches the end. Empty: the budget is spent.

    In row n, diagonal k is where 2k - n more lines of `a` are behind than of `b`.
    """
    rows: list[Row] = []
    while budget.steps > 0:
        changed = len(rows)
        row = array("i")
        rows.append(row)
        for k in range(changed + 1):
            begun = begin(rows, changed, k)
            lead = 2 * k - changed
            x = begun
            while x < len(a) and x - lead < len(b) and a[x] == b[x - lead]:
                x += 1
            row.append(x)
            budget.steps -= 1 + x - begun
            if x >= len(a) and x - lead >= len(b):
                return rows
    return []


def begin(rows: list[Row], changed: int, k: int) -> int:
    """Where row `changed` enters diagonal k."""
    if changed == 0:
        return 0
    before = rows[changed - 1]
    at: int = before[k] if by_insertion(before, k) else before[k - 1] + 1
    return at


def by_insertion(before: Row, k: int) -> bool:
    """Whether a line of `b`, rather than one of `a`, leads further on diagonal k."""
    return k == 0 or (k < len(before) and before[k - 1] < before[k])


def way_back(rows: list[Row]) -> list[Block]:
    """The equal lines on the way that `furthest` found to the end: the last diagonal it tried."""
    found, k = [], len(rows[-1]) - 1 if rows else 0
    for changed in range(len(rows) - 1, -1, -1):
        x, begun = rows[changed][k], begin(rows, changed, k)
        if x > begun:
            found.append(Block(begun, begun - (2 * k - changed), x - begun))
        if changed and not by_insertion(rows[changed - 1], k):
            k -= 1
    return found[::-1]
