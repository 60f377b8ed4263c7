"""Language models: one small protocol, and the one kind that there is: anything OpenAI-compatible.

`Provider.stream` yields pieces as they come, `Provider.complete` returns one when all is there. Both
raise ProviderFailed, which says in our words what went wrong: never in the provider's.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import httpx2
import openai
from django.conf import settings

from chat.sse import data_lines
from chatbot_project.api.errors import ModelUnavailable

logger = logging.getLogger(__name__)

RETRY_DELAYS = [0.25, 1.0]  # seconds
LONGEST_RETRY_AFTER = 5.0  # seconds
DRAIN_SECONDS = 0.1  # some servers keep the line open after the end
# Refused before any work was done, or worth another try. Not time-outs: the provider may still be
# writing, and would be paid twice.
RETRIED_STATUSES = {429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Prompt:
    model: str
    messages: list[dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)  # temperature, max_tokens, ...


@dataclass(slots=True)
class Piece:
    """Some text, and what is known by then. Token counts are None until the provider sends them."""

    text: str = ""
    model: str = ""
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class ProviderFailed(Exception):
    """`code` is an error code of the API, `message` is fit for the caller's eyes."""

    def __init__(self, message: str, *, code: str = "MODEL_UNAVAILABLE", retry: float | None = None):
        super().__init__(message)
        self.message = message
        self.code = code
        self.retry = retry  # seconds after which it may be tried again; None: not at all


class Provider(Protocol):
    def stream(self, prompt: Prompt) -> AsyncIterator[Piece]: ...

    async def complete(self, prompt: Prompt) -> Piece: ...


class OpenAICompatible:
    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self.client = client

    async def complete(self, prompt: Prompt) -> Piece:
        for delay in [*RETRY_DELAYS, None]:
            try:
                return await self._complete_once(prompt)
            except ProviderFailed as failure:
                await _wait_or_raise(failure, delay)
        raise AssertionError("the last try returns or raises")

    async def stream(self, prompt: Prompt) -> AsyncIterator[Piece]:
        """Tries again only while no text has come: nobody is told the same thing twice."""
        for delay in [*RETRY_DELAYS, None]:
            begun = False
            try:
                async for piece in self._stream_once(prompt):
                    begun = begun or bool(piece.text)
                    yield piece
                return
            except ProviderFailed as failure:
                await _wait_or_raise(failure, None if begun else delay)

    async def _complete_once(self, prompt: Prompt) -> Piece:
        async with self._response(prompt, stream=False) as response:
            return _piece_of_whole(response.content)

    async def _stream_once(self, prompt: Prompt) -> AsyncIterator[Piece]:
        async with self._response(prompt, stream=True) as response:
            if "text/event-stream" not in response.headers.get("content-type", ""):
                yield _piece_of_whole(await response.aread())  # it does not stream
                return
            ended = False
            chunks = response.aiter_bytes()
            async for data in data_lines(chunks):
                if data == b"[DONE]":
                    await _drain(chunks)
                    return
                piece = _piece_of_chunk(data)
                ended = ended or bool(piece.finish_reason)
                yield piece
        if not ended:
            raise ProviderFailed("The language model's answer was cut off.")

    @asynccontextmanager
    async def _response(self, prompt: Prompt, *, stream: bool) -> AsyncIterator[httpx2.Response]:
        body: dict[str, Any] = {"model": prompt.model, "messages": prompt.messages}
        body |= prompt.options
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        try:
            # Not chat.completions.create(): what it checks on the way there and back costs 1 ms an
            # answer, and is ours already.
            response = await self.client.post(
                "/chat/completions",
                body=body,
                cast_to=httpx2.Response,
                stream=stream,
                options={"timeout": _timeout(stream)},
            )
            try:
                yield response
            finally:
                await response.aclose()
        except openai.APIStatusError as error:
            raise _status_failure(error) from error
        except (openai.APITimeoutError, httpx2.TimeoutException) as error:
            raise ProviderFailed("The language model took too long.") from error
        except openai.APIConnectionError as error:
            refused = isinstance(error.__cause__, httpx2.ConnectError)
            reason = "The language model cannot be reached."
            raise ProviderFailed(reason, retry=0 if refused else None) from error
        except httpx2.HTTPError as error:
            raise ProviderFailed("The language model's answer was cut off.") from error


def _timeout(stream: bool) -> httpx2.Timeout:
    """A stream may pause for CHAT_TIMEOUT; a whole answer has to be written within ten of them."""
    return httpx2.Timeout(settings.CHAT_TIMEOUT * (1 if stream else 10), connect=5.0)


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Reads what follows [DONE], the end of the body, so that the connection can be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in chunks:
                pass


async def _wait_or_raise(failure: ProviderFailed, delay: float | None) -> None:
    if failure.retry is None or delay is None or failure.retry > LONGEST_RETRY_AFTER:
        raise failure
    await asyncio.sleep(max(delay, failure.retry))


def _status_failure(error: openai.APIStatusError) -> ProviderFailed:
    status = error.status_code
    logger.warning("provider_refused", extra={"provider_status": status})
    if status in RETRIED_STATUSES:
        return ProviderFailed("The language model is overloaded.", retry=_retry_after(error))
    if status in (401, 403):
        return ProviderFailed("The language model's provider refuses our credentials.")
    if status == 404:
        return ProviderFailed("The provider does not know this model.", code="INVALID_REQUEST")
    if status in (400, 413, 422):
        return ProviderFailed(
            "The language model refuses this request: an option it does not take, "
            "or more text than its context holds.",
            code="INVALID_REQUEST",
        )
    return ProviderFailed("The language model cannot be reached.")


def _retry_after(error: openai.APIStatusError) -> float:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "0")))
    except ValueError:  # a date
        return LONGEST_RETRY_AFTER + 1


def _piece_of_whole(body: bytes) -> Piece:
    return _piece(_parsed(body), "message")


def _piece_of_chunk(data: bytes) -> Piece:
    return _piece(_parsed(data), "delta")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise _malformed() from error
    if not isinstance(parsed, dict):
        raise _malformed()
    if parsed.get("error"):
        raise ProviderFailed("The language model failed.")
    return parsed


def _piece(parsed: dict[str, Any], part: str) -> Piece:
    """`part` is where the text is: `message` of a whole answer, `delta` of a streamed chunk."""
    piece = Piece(model=parsed.get("model") or "")
    try:
        if choices := parsed.get("choices"):
            piece.text = (choices[0].get(part) or {}).get("content") or ""
            piece.finish_reason = choices[0].get("finish_reason") or ""
        elif part == "message":
            raise _malformed()
        if usage := parsed.get("usage"):
            piece.prompt_tokens = int(usage["prompt_tokens"])
            piece.completion_tokens = int(usage["completion_tokens"])
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise _malformed() from error
    if not isinstance(piece.text, str):
        raise _malformed()
    return piece


def _malformed() -> ProviderFailed:
    return ProviderFailed("The language model's answer could not be read.")


def _client_settings() -> dict[str, Any]:
    return {
        "base_url": settings.OPENAI_BASE_URL or None,
        "api_key": settings.OPENAI_API_KEY or "none",  # many local servers want none
        "max_retries": 0,
    }


@cache
def provider() -> Provider:
    """The provider of this process: one connection pool, for one event loop."""
    return new_provider()


def new_provider() -> OpenAICompatible:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=50)
    client = httpx2.AsyncClient(limits=limits, timeout=settings.CHAT_TIMEOUT)
    return OpenAICompatible(openai.AsyncOpenAI(**_client_settings(), http_client=client))


def list_models() -> list[str]:
    """Names from the provider's /models. Raises ModelUnavailable."""
    try:
        with openai.OpenAI(**_client_settings(), timeout=10) as client:
            return [model.id for model in client.models.list()]
    except openai.OpenAIError as error:
        raise ModelUnavailable from error
