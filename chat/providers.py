"""Language models: one small protocol, and the one kind that there is: anything OpenAI-compatible.

`Provider.stream` yields pieces as they come, `Provider.complete` returns one when all is there.
Both raise ProviderFailed, which says in our words what went wrong: never in the provider's.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import aiohttp
from django.conf import settings

from chat import function_calls
from chat.function_calls import FunctionCall, plain
from chat.sessions import open_session
from chat.sse import DataLines

logger = logging.getLogger(__name__)

RETRY_DELAYS = [0.25, 1.0]  # seconds
CONNECT_SECONDS = 5.0
LONGEST_RETRY_AFTER = 5.0  # seconds
DRAIN_SECONDS = 0.1  # some servers keep the line open after the end
# Refused before any work was done, or worth another try. Not time-outs: the provider may still be
# writing, and would be paid twice.
RETRIED_STATUSES = {429: "is overloaded", 500: "failed", 502: "failed", 503: "is overloaded"}
REFUSAL_STATUSES = {400, 404, 422, 500, 501}
LONGEST_REFUSAL = 65_536  # bytes


@dataclass(frozen=True, slots=True)
class Functions:
    """What is sent as `tools`: it is the same each time, so it is made ready once."""

    names: tuple[str, ...]
    json: str
    tokens: int  # that it takes of the context


@dataclass(frozen=True, slots=True)
class Prompt:
    model: str
    messages: list[dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)  # temperature, max_tokens, ...
    tools: Functions | None = None  # that the model may call


@dataclass(slots=True)
class Piece:
    """Some text, and what is known by then. Token counts are None until the provider sends them."""

    text: str = ""
    model: str = ""
    finish_reason: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    calls: list[FunctionCall] | None = None  # as far as they have come

    def add(self, later: "Piece") -> None:
        """What `later` says, too: its text after this one's. Raises ProviderFailed."""
        self.text += later.text
        self.model = later.model or self.model
        self.finish_reason = later.finish_reason or self.finish_reason
        if later.completion_tokens is not None:
            self.prompt_tokens = later.prompt_tokens
            self.completion_tokens = later.completion_tokens
        if later.calls:
            self._add_calls(later.calls)

    def _add_calls(self, later: list[FunctionCall]) -> None:
        try:
            self.calls = function_calls.join(self.calls or [], later)
        except function_calls.TooLong as error:
            raise ProviderFailed("The language model's call of a function is too long.") from error


class ProviderFailed(Exception):
    """`code` is an error code of the API, `message` is fit for the caller's eyes."""

    def __init__(
        self, message: str, *, code: str = "MODEL_UNAVAILABLE", retry: float | None = None
    ):
        super().__init__(message)
        self.message = message
        self.code = code
        self.retry = retry  # seconds after which it may be tried again; None: not at all


class ToolsRefused(ProviderFailed):
    """The model, or its server, knows no functions: it may be asked again without."""


class Provider(Protocol):
    def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]: ...

    async def complete(self, prompt: Prompt) -> Piece: ...


class OpenAICompatible:
    """Speaks to `base_url` through aiohttp: OpenAI's own client took eight times the CPU."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, api_key: str) -> None:
        self._session = session
        self._url = f"{base_url}/chat/completions"
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    async def close(self) -> None:
        await self._session.close()

    async def complete(self, prompt: Prompt) -> Piece:
        for delay in [*RETRY_DELAYS, None]:
            try:
                async with self._response(prompt, stream=False) as response:
                    return _whole_piece(await response.read())
            except ProviderFailed as failure:
                await _wait_or_raise(failure, delay)
        raise AssertionError("the last try returns or raises")

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        """Tries again only while no text has come: nobody is told the same thing twice."""
        for delay in [*RETRY_DELAYS, None]:
            begun = False
            try:
                async for piece in self._stream_once(prompt):
                    begun = begun or bool(piece.text or piece.calls)
                    yield piece
                return
            except ProviderFailed as failure:
                await _wait_or_raise(failure, None if begun else delay)

    async def _stream_once(self, prompt: Prompt) -> AsyncIterator[Piece]:
        async with self._response(prompt, stream=True) as response:
            if response.content_type != "text/event-stream":
                yield _whole_piece(await response.read())  # it does not stream
                return
            lines = DataLines()
            ended = False
            async for chunk in response.content.iter_any():
                piece = Piece()
                try:
                    done = _read_events(lines, chunk, piece)
                except ProviderFailed:
                    yield piece  # what was said before it failed
                    raise
                yield piece
                if done:
                    await _drain(response)
                    return
                ended = ended or bool(piece.finish_reason)
        if not ended:
            raise ProviderFailed("The language model's answer was cut off.")

    @asynccontextmanager
    async def _response(
        self, prompt: Prompt, *, stream: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        body = {"model": prompt.model, "messages": prompt.messages, **prompt.options}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        try:
            async with self._session.post(
                self._url,
                data=_encoded(body, prompt.tools),
                headers=self._headers,
                timeout=_timeout(stream),
            ) as response:
                if response.status != 200:
                    if prompt.tools and await _refuses_tools(response):
                        raise ToolsRefused("The language model cannot call functions.")
                    raise _status_failure(response)
                yield response
        except aiohttp.ClientConnectorError as error:
            raise ProviderFailed("The language model cannot be reached.", retry=0) from error
        except TimeoutError as error:
            raise ProviderFailed("The language model took too long.") from error
        except aiohttp.ClientError as error:
            raise ProviderFailed("The language model's answer was cut off.") from error


def _encoded(body: dict[str, Any], tools: Functions | None) -> bytes:
    text = json.dumps(body)
    return (f'{text[:-1]}, "tools": {tools.json}}}' if tools else text).encode()


def _timeout(stream: bool) -> aiohttp.ClientTimeout:
    """A stream may pause for CHAT_TIMEOUT; a whole answer has to be written within ten of them."""
    pause = settings.CHAT_TIMEOUT * (1 if stream else 10)
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=pause)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Reads what follows [DONE], the end of the body, so that the connection can be used again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            await response.read()


async def _wait_or_raise(failure: ProviderFailed, delay: float | None) -> None:
    if failure.retry is None or delay is None or failure.retry > LONGEST_RETRY_AFTER:
        raise failure
    await asyncio.sleep(max(delay, failure.retry))


def _status_failure(response: aiohttp.ClientResponse) -> ProviderFailed:
    status = response.status
    logger.warning("provider_refused", extra={"provider_status": status})
    if status in RETRIED_STATUSES:
        told = f"The language model {RETRIED_STATUSES[status]}."
        return ProviderFailed(told, retry=_retry_after(response))
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


async def _refuses_tools(response: aiohttp.ClientResponse) -> bool:
    """Each kind of server has a status of its own for it, but all name what they refuse."""
    said = await response.content.read(LONGEST_REFUSAL)
    return response.status in REFUSAL_STATUSES and b"tool" in said.lower()


def _retry_after(response: aiohttp.ClientResponse) -> float:
    try:
        return max(0.0, float(response.headers.get("retry-after", "0")))
    except ValueError:  # a date
        return LONGEST_RETRY_AFTER + 1


def _read_events(lines: DataLines, chunk: bytes, into: Piece) -> bool:
    """Adds everything that a read from the network has brought to one piece. True: the end."""
    done = False
    try:
        events = lines.feed(chunk)
    except ValueError as error:
        raise _malformed() from error
    for data in events:
        if data == b"[DONE]":
            done = True
        else:
            into.add(_piece(_parsed(data), "delta"))
    return done


def _whole_piece(body: bytes) -> Piece:
    return _piece(_parsed(body), "message")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body.decode())
    except ValueError as error:
        raise _malformed() from error
    if not isinstance(parsed, dict):
        raise _malformed()
    if parsed.get("error"):
        raise ProviderFailed("The language model failed.")
    return parsed


def _piece(parsed: dict[str, Any], part: str) -> Piece:
    """`part` is where the text is: `message` of a whole answer, `delta` of a streamed chunk."""
    piece = Piece()
    try:
        if choices := parsed.get("choices"):
            said = choices[0].get(part) or {}
            piece.text = said.get("content") or ""
            if calls := said.get("tool_calls"):
                piece.calls = function_calls.read(calls)
            piece.finish_reason = choices[0].get("finish_reason") or ""
        elif part == "message":
            raise _malformed()
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise _malformed() from error
    piece.model = parsed.get("model") or ""
    for word in (piece.text, piece.model, piece.finish_reason):
        if not isinstance(word, str):
            raise _malformed()
    piece.model, piece.finish_reason = plain(piece.model), plain(piece.finish_reason)
    if usage := parsed.get("usage"):
        piece.prompt_tokens, piece.completion_tokens = _counts(usage)
    return piece


def _counts(usage: Any) -> tuple[int, int] | tuple[None, None]:
    """Tokens of the prompt and of the answer; None for counts that are missing or make no sense."""
    if isinstance(usage, dict):
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if _is_count(prompt) and _is_count(completion):
            return prompt, completion
    return None, None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 2**31


def _malformed() -> ProviderFailed:
    return ProviderFailed("The language model's answer could not be read.")


@cache
def provider() -> OpenAICompatible:
    """The provider of this process: one connection pool, for its one event loop."""
    return OpenAICompatible(open_session(), settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY)


async def close() -> None:
    """Before the process ends: closes the connections of `provider()`, if there are any."""
    if provider.cache_info().currsize:
        await provider().close()
        provider.cache_clear()


@asynccontextmanager
async def opened() -> AsyncIterator[Provider]:
    """A provider for a while, where event loops come and go."""
    async with open_session() as session:
        yield OpenAICompatible(session, settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY)


async def list_models() -> list[str]:
    """Names from the provider's /models. Raises ProviderFailed."""
    try:
        async with (
            open_session() as session,
            session.get(
                f"{settings.OPENAI_BASE_URL}/models",
                headers={"Authorization": f"Bearer {settings.OPENAI_API_KEY}"},
                timeout=aiohttp.ClientTimeout(total=10),
                raise_for_status=True,
            ) as response,
        ):
            return [str(model["id"]) for model in (await response.json())["data"]]
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise ProviderFailed("The language model's provider cannot be reached.") from error
