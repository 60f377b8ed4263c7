"""Statements that were looked at lately are not embedded again."""

from typing import Any

import numpy as np
import pytest

from knowledge import quoting
from knowledge.embedded_embedder import EmbeddedEmbedder


@pytest.fixture
def asked(monkeypatch: Any) -> list[list[str]]:
    """What the embedder is asked for, while others crowd what is kept out of memory."""
    calls: list[list[str]] = []

    def embed(self: Any, texts: Any) -> Any:
        calls.append(list(texts))
        quoting._known.clear()
        return np.full((len(texts), 2), len(calls), np.float32)

    monkeypatch.setattr(EmbeddedEmbedder, "embed_passages", embed)
    monkeypatch.setattr(quoting, "_known", {})
    return calls


def test_known_ones_stay_known_while_others_are_embedded(asked: list[list[str]]) -> None:
    quoting.embedded(["one"])
    vectors = quoting.embedded(["one", "two", "one"])
    assert asked == [["one"], ["two"]]
    assert [vector[0] for vector in vectors] == [1, 2, 1]
