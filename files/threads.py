"""Threads for what takes its time with files: none of it holds up the database's, or the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from chatbot_project.api.threads import in_database

P = ParamSpec("P")
R = TypeVar("R")

_threads = ThreadPoolExecutor(8, thread_name_prefix="files")


async def with_files(
    request: HttpRequest, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Runs what reads or writes files. It must leave the database alone."""
    call = partial(function, *args, **kwargs)
    if isinstance(request, ASGIRequest):
        return await asyncio.get_running_loop().run_in_executor(_threads, call)
    return await sync_to_async(call)()


async def with_database(
    request: HttpRequest, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Runs short work in the database. The plain test client's stays in the thread that holds its
    transaction."""
    if isinstance(request, ASGIRequest):
        return await in_database(function, *args, **kwargs)
    return await sync_to_async(partial(function, *args, **kwargs))()
