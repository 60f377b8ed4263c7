"""Embedding models: one small protocol, and which of its two implementations is in use."""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from knowledge.embedded_embedder import EmbeddedEmbedder
from knowledge.once import once
from knowledge.remote_embedder import RemoteEmbedder

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Makes unit vectors: their inner product is the cosine.

    `name` tells apart vectors that cannot be compared, `window` is how many tokens it reads, by
    `knowledge.tokens`, `batch` how many passages are best given to it at once. Both methods raise
    EmbedderUnavailable.
    """

    @property
    def name(self) -> str: ...

    @property
    def window(self) -> int: ...

    @property
    def batch(self) -> int: ...

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimensions,)."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimensions)."""
        ...


def embedder() -> Embedder:
    """The one that the settings name. Its model is loaded when it is first used."""
    if settings.EMBEDDED_EMBEDDINGS:
        return embedded_embedder()
    return _remote(
        settings.EMBEDDINGS_BASE_URL,
        settings.EMBEDDINGS_API_KEY,
        settings.EMBEDDINGS_MODEL,
        settings.EMBEDDINGS_DIMENSIONS,
    )


@once
def embedded_embedder() -> EmbeddedEmbedder:
    return EmbeddedEmbedder(settings.EMBEDDINGS_THREADS)


@cache
def _remote(base_url: str, api_key: str, model: str, dimensions: int) -> Embedder:
    return RemoteEmbedder(base_url, api_key, model, dimensions)
