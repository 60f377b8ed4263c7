"""Embeddings from any OpenAI-compatible server."""

import asyncio
import atexit
import logging
import os
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import numpy as np
from numpy.typing import NDArray

from chatbot_project.api.errors import ModelUnavailable
from knowledge import background_loop

logger = logging.getLogger(__name__)

WINDOW = 512  # tokens: they read thousands, but what long passages say blurs in one vector
BATCH = 32
AT_ONCE = 4  # batches under way
RETRY_DELAYS = [0.25, 1.0, 4.0]  # seconds
LONGEST_RETRY_AFTER = 10.0  # seconds
RETRIED_STATUSES = {429, 500, 502, 503, 504}
QUERY_SECONDS = 20  # in all: somebody waits, perhaps for a server that loads its model first
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5)

Vectors = NDArray[np.float32]


class EmbedderUnavailable(ModelUnavailable):
    default_detail = "The embedding model cannot be reached. Try again."


class Retryable(Exception):
    def __init__(self, after: float = 0.0) -> None:
        super().__init__()
        self.after = after  # seconds


class RemoteEmbedder:
    """`dimensions` 0: as many as the model gives. Safe to use from any thread."""

    window = WINDOW
    batch = BATCH * AT_ONCE

    def __init__(self, base_url: str, api_key: str, model: str, dimensions: int = 0) -> None:
        self.name = f"{model}/{dimensions}" if dimensions else model
        self._url = f"{base_url}/embeddings"
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._asked: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions:
            self._asked["dimensions"] = dimensions
        self._dimensions = dimensions

    def embed_query(self, text: str) -> Vectors:
        return background_loop.run(self._embed_query(text))

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self._dimensions), np.float32)
        return background_loop.run(self._embed(texts))

    async def _embed_query(self, text: str) -> Vectors:
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                vector: Vectors = (await self._embed([text]))[0]
        except TimeoutError as error:
            raise EmbedderUnavailable from error
        return vector

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        places = asyncio.Semaphore(AT_ONCE)
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        try:
            async with asyncio.TaskGroup() as group:  # where one fails, the others end
                asked = [group.create_task(self._embed_batch(each, places)) for each in batches]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        try:
            vectors = np.concatenate([each.result() for each in asked])
        except ValueError as error:
            raise unreadable("vectors of several lengths") from error
        if self._dimensions and vectors.shape[1] != self._dimensions:
            raise unreadable(f"{vectors.shape[1]} dimensions for {self._dimensions}")
        return vectors

    async def _embed_batch(self, texts: Sequence[str], places: asyncio.Semaphore) -> Vectors:
        async with places:
            for delay in [*RETRY_DELAYS, None]:
                try:
                    return as_vectors(await self._post(texts), len(texts))
                except Retryable as failure:
                    if delay is None or failure.after > LONGEST_RETRY_AFTER:
                        raise EmbedderUnavailable from failure
                    await asyncio.sleep(max(delay, failure.after))
        raise AssertionError("the last try returns or raises")

    async def _post(self, texts: Sequence[str]) -> Any:
        body = {**self._asked, "input": list(texts)}
        session = _session(os.getpid(), self._url)
        try:
            async with session.post(self._url, json=body, headers=self._headers) as response:
                if response.status in RETRIED_STATUSES:
                    raise Retryable(retry_after(response))
                if response.status != 200:
                    logger.warning("embedder_refused", extra={"status": response.status})
                    raise EmbedderUnavailable("The embedding model refuses what we ask of it.")
                return await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retryable from error
        except ValueError as error:  # no JSON
            raise unreadable("no JSON") from error


def as_vectors(answer: Any, expected: int) -> Vectors:
    """The answer's vectors, in the order of the texts, of length 1. Raises EmbedderUnavailable."""
    try:
        found = {item["index"]: item["embedding"] for item in answer["data"]}
        vectors = np.array([found[index] for index in range(expected)], np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(type(error).__name__) from error
    if not np.isfinite(norms).all() or not norms.all():
        raise unreadable("vectors without a direction")
    unit: Vectors = vectors / norms
    return unit


def unreadable(what: str) -> EmbedderUnavailable:
    logger.warning("embedder_unreadable", extra={"found": what})
    return EmbedderUnavailable("The embedding model's answer could not be read.")


def retry_after(response: aiohttp.ClientResponse) -> float:
    try:
        return max(0.0, float(response.headers.get("retry-after", "0")))
    except ValueError:  # a date
        return LONGEST_RETRY_AFTER + 1


@cache
def _session(process: int, url: str) -> aiohttp.ClientSession:
    """Made on the background loop, by its one thread: all others share its connections."""
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    session = aiohttp.ClientSession(
        timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), proxy=proxy
    )
    atexit.register(_close, session, process)
    return session


def _close(session: aiohttp.ClientSession, process: int) -> None:
    if process == os.getpid():
        background_loop.run(session.close())
