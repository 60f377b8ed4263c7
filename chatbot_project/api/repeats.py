"""Idempotency-Key around a view: keeps its answer when it ends, and answers what is repeated."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.conf import settings
from django.db import Error as DatabaseError  # lost connections too
from django.http import HttpResponseBase
from django.utils.module_loading import import_string

from chatbot_project.api import idempotency
from chatbot_project.api.idempotency import Reference
from chatbot_project.api.requests import ApiRequest
from chatbot_project.api.threads import in_database

log = structlog.get_logger("api.idempotency")

_running: set[asyncio.Task[HttpResponseBase]] = set()  # asyncio itself holds tasks only weakly

GetResponse = Callable[[Any], Any]


async def run(request: ApiRequest, get_response: GetResponse) -> HttpResponseBase:
    """The answer of `get_response`, which takes hold of the request's key, stored under that key.

    A client that hangs up does not stop it: what it began is finished and kept for its next try.
    """
    task = asyncio.ensure_future(_run(request, get_response))
    _running.add(task)
    task.add_done_callback(_running.discard)
    return await asyncio.shield(task)


async def _run(request: ApiRequest, get_response: GetResponse) -> HttpResponseBase:
    renewal = asyncio.ensure_future(_renew(request))
    try:
        response: HttpResponseBase = await get_response(request)
    finally:
        renewal.cancel()
    if request.api.claim:
        await in_database(keep, request, response)
    return response


async def _renew(request: ApiRequest) -> None:
    while True:
        await asyncio.sleep(idempotency.RENEWAL)
        if request.api.claim is None:
            continue
        try:
            await in_database(idempotency.renew, request.api.claim)
        except DatabaseError as error:  # the next try may come in time
            log.warning("a lease could not be renewed", exc_info=error)


def keep(request: ApiRequest, response: HttpResponseBase) -> None:
    """What has been done has been done: a database that fails now must not hide the answer."""
    if request.api.claim is None:
        return
    try:
        idempotency.keep(request.api.claim, response)
    except DatabaseError as error:
        log.error("an answer could not be kept for its Idempotency-Key", exc_info=error)


async def replay(request: ApiRequest, reference: Reference) -> HttpResponseBase:
    """The answer to what an earlier request made. Raises Conflict while it is being made, and what
    else the first answer was."""
    function: Callable[..., Any] = import_string(settings.API_REPLAY)
    if iscoroutinefunction(function):
        response = await function(request, reference)
    else:
        response = await in_database(function, request, reference)
    if response is None:
        raise idempotency.in_flight()
    response.headers["Idempotency-Replayed"] = "true"
    return response


replay_now = async_to_sync(replay)
