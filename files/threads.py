"""Threads for what takes its time with files: none of it holds up the database's, or the loop."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.http import HttpRequest

from chatbot_project.api.threads import answering, in_database, run_in

P = ParamSpec("P")
R = TypeVar("R")

_threads = ThreadPoolExecutor(8, thread_name_prefix="files")


async def with_files(
    request: HttpRequest, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Runs what reads or writes files. It must leave the database alone."""
    return await answering(request, partial(run_in, _threads), function, *args, **kwargs)


async def with_database(
    request: HttpRequest, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Runs short work in the database."""
    return await answering(request, in_database, function, *args, **kwargs)
