"""What stands before Django under any ASGI server: body limits, static files, lifespan."""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote

import django
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.urls import set_script_prefix
from servestatic import ServeStaticASGI

from chatbot_project.api import shutdown
from chatbot_project.api.body_limits import (
    MARK,
    SMALL,
    TOO_LARGE,
    UNKNOWN_SENDER,
    WELCOME,
    body_limit,
    is_welcome,
    mark,
)
from chatbot_project.api.requests import is_api, is_page
from chatbot_project.api.threads import PAGES

Scope = Any  # the specification's dicts: see asgiref.typing
Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
R = TypeVar("R")

ASCII = "".join(map(chr, range(128)))


def application_for() -> "Application":
    django.setup(set_prefix=False)
    return Application()


class Application(ASGIHandler):
    def __init__(self) -> None:
        super().__init__()
        self.static = static_files(self.serve)
        self.pages = asyncio.Semaphore(PAGES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # refused: there is nothing to talk to yet
        elif scope["path"].startswith(settings.STATIC_URL):
            await self.static(scope, LimitedBody(scope, receive), with_request_id(send))
        else:
            await self.serve(scope, LimitedBody(scope, receive), send)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`ASGIHandler.handle` without its changes of thread, which cost more than all the rest.

        They are for connections that sync views leave open. The API's views are async, and what
        they do in the database goes through threads of ours, which look after theirs.
        """
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            set_script_prefix("/")
            request, _ = self.create_request(scope, body)
            answer = self.answer_page if is_page(request.path) else self.answer
            answering = asyncio.ensure_future(answer(request, send))
            gone = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                await ended(answering)

    async def answer(self, request: Any, send: Send) -> None:
        response = await self.run_get_response(request)
        try:
            await self.send_response(response, send)
        finally:
            close(response)

    async def answer_page(self, request: Any, send: Send) -> None:
        """In a thread of the page's own; few at once, and none keeps its connection while a
        slow reader takes the page: calls to the API need the others. One whose client has gone is
        made to its end all the same: its thread goes on, with the connection that it has.
        """
        async with ThreadSensitiveContext():
            async with self.pages:
                response = await whole(self.make_page(request))
            try:
                await self.send_response(response, send)
            finally:
                await sync_to_async(response.close)()

    async def make_page(self, request: Any) -> Any:
        try:
            return await self.run_get_response(request)
        finally:
            await sync_to_async(connections.close_all)()

    def create_request(self, scope: Scope, body_file: Any) -> Any:
        """Makes good what servers leave open: raw bytes in a query, a chunked body's length."""
        scope["query_string"] = ascii_only(scope.get("query_string", b""))
        names = {name for name, _ in scope["headers"]}
        if b"transfer-encoding" in names and b"content-length" not in names:
            length = body_file.seek(0, 2)
            body_file.seek(0)
            scope["headers"] = [*scope["headers"], (b"content-length", b"%d" % length)]
        try:
            return super().create_request(scope, body_file)
        except (ValueError, LookupError):  # a parameter's charset that is none
            mark(scope, "The header Content-Type is not valid.")
            scope["headers"] = [each for each in scope["headers"] if each[0] != b"content-type"]
            return super().create_request(scope, body_file)


def close(response: Any) -> None:
    """`response.close` without its signal: who hears it looks after what the thread has open, and
    this one, the event loop's, has nothing. It took as long as validating a body."""
    for closer in response._resource_closers:
        closer()
    response._resource_closers.clear()
    response.closed = True


async def ended(task: asyncio.Task[None]) -> None:
    """Lets a task that has not ended know that its client is gone. Raises what it raised."""
    if not task.done():
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await whole(task)


async def whole(work: Awaitable[R]) -> R:
    """What it returns. Whoever cancels the caller waits for the end of the work."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    return task.result()


def ascii_only(query: bytes) -> bytes:
    return query if query.isascii() else quote(query, safe=ASCII).encode()


def static_files(otherwise: Any) -> ServeStaticASGI:
    """The apps' static files, straight from where they are installed: nothing to collect."""
    static = ServeStaticASGI(otherwise, autorefresh=settings.DEBUG, max_age=3600)
    for finder in finders.get_finders():
        for storage in getattr(finder, "storages", {}).values():
            static.add_files(storage.location, prefix=settings.STATIC_URL)
    return static


def with_request_id(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            if not any(name.lower() == b"x-request-id" for name, _ in headers):
                given = (b"x-request-id", uuid.uuid4().hex.encode())
                message["headers"] = [*headers, given]
        await send(message)

    return wrapped


class LimitedBody:
    """A `receive` that ends the body where it exceeds the limit, or where it gets large and nobody
    knows its sender, and marks the scope so that the middleware refuses the call. What the client
    goes on sending is thrown away.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope, self.receive = scope, receive
        self.limit = body_limit(scope["method"], scope["path"])
        self.expected = declared_length(scope)
        self.received = 0
        self.refused = False
        asked = scope.pop(WELCOME, False) or MARK in scope  # by our own server, before it read
        self.unasked = is_api(scope["path"]) and not asked

    async def __call__(self) -> Message:
        if self.refused:
            return await self.rest()
        if reason := await self.wrong():
            return self.refuse(reason)
        message = await self.receive()
        self.received += len(message.get("body", b""))
        reason = await self.wrong()
        return self.refuse(reason) if reason else message

    async def wrong(self) -> str | None:
        if max(self.expected, self.received) > self.limit:
            return TOO_LARGE
        if self.unasked and max(self.expected, self.received) > SMALL:
            self.unasked = False
            said = (header_of(self.scope, name) for name in (b"authorization", b"cookie"))
            return None if await is_welcome(*said) else UNKNOWN_SENDER
        return None

    def refuse(self, reason: str) -> Message:
        self.refused = True
        mark(self.scope, reason)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def rest(self) -> Message:
        """Comes back when the client has gone."""
        message = await self.receive()
        while message["type"] == "http.request":
            message = await self.receive()
        return message


def header_of(scope: Scope, wanted: bytes) -> str:
    return b",".join(value for name, value in scope["headers"] if name == wanted).decode("latin-1")


def declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def lifespan(receive: Receive, send: Send) -> None:
    """Servers that speak it (uvicorn, granian) let us end in good order too."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await shutdown.run()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
