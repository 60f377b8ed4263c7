"""What the views do off the event loop, in turn: no view's thread waits for an embedding model."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.http import HttpRequest

from chatbot_project.api.callers import Caller
from chatbot_project.api.queues import Queues
from chatbot_project.api.threads import VIEWS_OF_AN_ACCOUNT, answering, in_view_thread, run_in
from knowledge import services
from knowledge.filters import Filters
from knowledge.indexing import PreparedChunk, Text, prepare_with, writing_embedders
from knowledge.models import Source, audiences
from knowledge.search import Found, Hits, SearchType, look_up, understand

P = ParamSpec("P")
R = TypeVar("R")

# A text may be a quarter of a minute's work: with two accounts at it, the others wait their turn.
# Queries are none, unless a model elsewhere is slow.
adding, _texts = Queues(at_work=2, waiting=8), ThreadPoolExecutor(4, "text")
searching = Queues(at_work=VIEWS_OF_AN_ACCOUNT, waiting=2_000)
_queries = ThreadPoolExecutor(8, "query")


async def in_view(
    request: HttpRequest, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Runs what takes the database, and may take its time there."""
    return await answering(request, in_view_thread, function, *args, **kwargs)


async def search(
    request: HttpRequest,
    caller: Caller,
    query: str,
    type: SearchType,
    filters: Filters,
    limit: int,
) -> list[Found]:
    """`knowledge.search.search`. Raises RateLimited too."""

    async def begin() -> Hits:
        asked = await answering(request, partial(run_in, _queries), understand, query, type)
        return await in_view(request, look_up, audiences(caller.user), asked, filters, limit)

    return (await searching.turn(caller.account_id, begin)).found


async def add(
    request: HttpRequest, caller: Caller, items: Sequence[dict[str, Any]]
) -> list[Source]:
    """`services.add_texts`. Raises RateLimited too."""
    sources = services.new_sources(caller.user, items)

    async def begin() -> None:
        prepared = await prepared_for(request, services.texts_of(sources))
        await in_view(request, services.store_texts, sources, prepared)

    await adding.turn(caller.account_id, begin)
    return sources


async def change(
    request: HttpRequest, caller: Caller, source: Source, changes: dict[str, Any]
) -> None:
    """`services.change_text`. Raises RateLimited too, where anything may be to embed."""

    async def begin() -> None:
        while True:
            seen, text = services.said(source), services.rewritten(source, changes)
            chunks = (await prepared_for(request, [text]))[0] if text else None
            if await in_view(request, services.change_as_seen, source, seen, chunks, changes):
                return

    if changes.keys() & {"title", "content"}:
        await adding.turn(caller.account_id, begin)
    else:
        await begin()


async def prepared_for(request: HttpRequest, texts: Sequence[Text]) -> list[list[PreparedChunk]]:
    embedders = await in_view(request, writing_embedders)
    return await answering(request, partial(run_in, _texts), prepare_with, embedders, texts)
