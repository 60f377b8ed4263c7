"""Database work from the event loop, in threads of our own. Those of short calls keep their
connections: to have one from the pool and give it back cost as much as a statement. The others give
theirs back at once.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest

from chatbot_project.api.queues import Queues

P = ParamSpec("P")
R = TypeVar("R")

# Few threads for the many short calls: ten of them took turns with the interpreter so often that
# an answer cost a quarter more. Views, which may run a slow query, never stand in their way.
# Together, with the pages, they are as many as the pool has connections: more would only wait
# inside the pool, and give up.
SHORT_CALLS = max(1, min(3, settings.DATABASE_POOL_SIZE - 2))
LOCK_TIMEOUT = "5s"  # whoever holds a lock for longer must not hold these threads, which are all
PAGES = max(1, settings.DATABASE_POOL_SIZE // 4)  # at once, each in a thread of Django's own
_short_calls = ThreadPoolExecutor(SHORT_CALLS, thread_name_prefix="database")
_other_calls = ThreadPoolExecutor(2, thread_name_prefix="other")
_model_calls = ThreadPoolExecutor(4, thread_name_prefix="model")
_long_model_calls = ThreadPoolExecutor(4, thread_name_prefix="long-model")
VIEWS = max(1, settings.DATABASE_POOL_SIZE - SHORT_CALLS - PAGES)
VIEWS_OF_AN_ACCOUNT = (VIEWS + 1) // 2  # at once; of a pool of five or less, the only one
_views = ThreadPoolExecutor(VIEWS, thread_name_prefix="view")
# However slow what one account asks for is, others find a thread, where there are several.
view_turns = Queues(at_work=VIEWS_OF_AN_ACCOUNT, waiting=10_000)


def _call(function: Callable[[], R]) -> R:
    try:
        return function()
    finally:
        connections.close_all()


def _call_keeping(function: Callable[[], R]) -> R:
    connection: Any = connections[DEFAULT_DB_ALIAS]
    try:
        connection.make_ready(LOCK_TIMEOUT)
        return function()
    finally:
        connection.drop_spoilt()


async def run_in(
    threads: ThreadPoolExecutor, function: Callable[[], R], call: Callable[..., R] = _call
) -> R:
    """Runs it in one of these threads, which gives its connections back at the end."""
    in_context = partial(contextvars.copy_context().run, call, function)
    return await asyncio.get_running_loop().run_in_executor(threads, in_context)


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs a short `function` in a database thread. It must leave no transaction open."""
    return await run_in(_short_calls, partial(function, *args, **kwargs), _call_keeping)


async def beside_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """For short calls without the database: they do not wait behind those that wait for it."""
    return await run_in(_other_calls, partial(function, *args, **kwargs))


async def beside_models(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """For calls that compute with a model or wait for one, and use no database meanwhile."""
    return await run_in(_model_calls, partial(function, *args, **kwargs))


async def beside_models_for_long(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same for many texts: whoever gives up waiting leaves a thread that goes on waiting."""
    return await run_in(_long_model_calls, partial(function, *args, **kwargs))


async def in_view_thread(function: Callable[[], R]) -> R:
    """The same for a whole sync view, which may take its time."""
    return await run_in(_views, function)


async def in_turn(account_id: UUID, function: Callable[[], R]) -> R:
    """The same for what is not the account's call itself, and may take as long as one."""
    return await view_turns.turn(account_id, partial(in_view_thread, function))


async def answering(
    request: HttpRequest,
    where: Callable[[Callable[[], R]], Awaitable[R]],
    function: Callable[P, R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """`where(function)`, one of those above, for an answer to `request`. The plain test client's
    stays in the thread that holds its transaction."""
    call = partial(function, *args, **kwargs)
    if isinstance(request, ASGIRequest):
        return await where(call)
    return await sync_to_async(call)()
