"""Database work from the event loop: threads of our own that give connections back at once."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")

# As many threads as the pool has connections: more would only wait inside the pool.
_threads = ThreadPoolExecutor(settings.DATABASE_POOL_SIZE, thread_name_prefix="database")


def _call(function: Callable[[], R]) -> R:
    try:
        return function()
    finally:
        connections.close_all()


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs `function` in a database thread; its connection is back in the pool after it."""
    context = contextvars.copy_context()
    call = partial(context.run, _call, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_threads, call)
