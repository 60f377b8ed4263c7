"""Statements that were looked at lately are not embedded again."""

from typing import Any

import numpy as np
import pytest

from knowledge import quoting
from knowledge.bounded_cache import BoundedCache
from knowledge.embedded_embedder import EmbeddedEmbedder
from knowledge.embedders import embedder


@pytest.fixture
def asked(monkeypatch: Any) -> list[list[str]]:
    """What the embedder is asked for, while others crowd what is kept out of memory."""
    calls: list[list[str]] = []

    def embed(self: Any, texts: Any) -> Any:
        calls.append(list(texts))
        quoting._known.add(("", ""), np.zeros(0, np.float32), 1_000)
        return np.full((len(texts), 2), len(calls), np.float32)

    monkeypatch.setattr(EmbeddedEmbedder, "embed_passages", embed)
    monkeypatch.setattr(quoting, "_known", BoundedCache(1_000))
    return calls


def test_known_ones_stay_known_while_others_are_embedded(asked: list[list[str]]) -> None:
    quoting.embedded(["one"])
    vectors = quoting.embedded(["one", "two", "one"])
    assert asked == [["one"], ["two"]]
    assert [vector[0] for vector in vectors] == [1, 2, 1]


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: Any) -> None:
    long = np.zeros(200, np.float32)  # 800 bytes
    monkeypatch.setattr(EmbeddedEmbedder, "embed_passages", lambda _, texts: [long] * len(texts))
    kept: BoundedCache[Any, Any] = BoundedCache(2_000)
    monkeypatch.setattr(quoting, "_known", kept)
    texts = ["one", "two", "three"]
    assert len(quoting.embedded(texts)) == 3
    name = embedder().name
    assert [kept.get((name, text)) is not None for text in texts] == [False, True, True]
