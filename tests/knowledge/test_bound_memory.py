"""What is prepared to be stored takes little more memory than the text itself."""

import random
import tracemalloc
from collections.abc import Callable

import pytest

from knowledge.chunking import Block
from knowledge.indexing import prepare

pytestmark = pytest.mark.django_db

CHARACTERS = 50_000


def test_a_script_without_spaces(use_remote: Callable[[], None]) -> None:
    """Each two characters are a term: those of all chunks together would take 10 MB."""
    use_remote()
    letters = random.Random(20250106)
    text = "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(CHARACTERS))
    prepare([Block("A valve.")])  # loads what stays
    tracemalloc.start()
    chunks = prepare([Block(text)])
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(chunk.piece.content) for chunk in chunks) == CHARACTERS
    assert taken < 20 * CHARACTERS
