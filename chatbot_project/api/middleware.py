"""The outermost middleware: request ids, admission, headers, the error format, the access log."""

import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chatbot_project.api import access_log, idempotency, repeats
from chatbot_project.api.admission import admit, require_open
from chatbot_project.api.body_limits import is_unread, refusal_of
from chatbot_project.api.callers import needs_database
from chatbot_project.api.errors_handler import render, render_for_page
from chatbot_project.api.requests import ApiRequest, State, is_api
from chatbot_project.api.threads import beside_database, in_database

BODILESS = (204, 304)
SANE_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


class Plumbing:
    """Sync and async: the sync way serves Django's plain test client, in its own thread."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        started = begin(request)
        if self.is_async:
            return self.respond(started)
        return finish(started, self.answer(started))

    async def respond(self, request: ApiRequest) -> HttpResponseBase:
        try:
            response = await self.answer_async(request)
        except BaseException:  # the client has gone, or the server is stopping
            access_log.write(request, 499)
            raise
        return finish(request, response)

    def answer(self, request: ApiRequest) -> HttpResponseBase:
        if not is_api(request.path):
            return cast(HttpResponseBase, self.get_response(request))
        try:
            if earlier := admit(request):
                return repeats.replay_now(request, earlier)
            response = cast(HttpResponseBase, self.get_response(request))
            repeats.keep(request, response)
        except Exception as error:  # noqa: BLE001 - the border: whatever happened is answered
            return render(error, request)
        return response

    async def answer_async(self, request: ApiRequest) -> HttpResponseBase:
        if not is_api(request.path):
            if refusal := refusal_of(request):  # of the server's: there is none without one
                return render(refusal, request)
            return cast(HttpResponseBase, await self.get_response(request))
        try:
            require_open(request)
            if idempotency.key_of(request) is not None:
                return await repeats.run(request, self.admitted)
            return await self.admitted(request)
        except Exception as error:  # noqa: BLE001 - the border: whatever happened is answered
            return render(error, request)

    async def admitted(self, request: ApiRequest) -> HttpResponseBase:
        """The view's answer, or that of the earlier request which this one repeats."""
        admitting = in_database if needs_database(request) else beside_database
        if earlier := await admitting(admit, request):
            return await repeats.replay(request, earlier)
        return cast(HttpResponseBase, await self.get_response(request))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Views that are not ours answer as ours do: those of the API, and the admin's."""
        return render(error, request) if is_api(request.path) else render_for_page(error, request)


def begin(request: HttpRequest) -> ApiRequest:
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    request_id = given if SANE_ID.fullmatch(given) else uuid.uuid4().hex
    started = cast(ApiRequest, request)
    started.api = State(request_id, time.perf_counter())
    started.caller = None
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return started


def finish(request: ApiRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers["X-Request-Id"] = request.api.request_id
    if isinstance(response, HttpResponse) and response.status_code not in BODILESS:
        response.headers.setdefault("Content-Length", str(len(response.content)))
    if is_unread(request):  # what is left of the body would be taken for another request
        response.headers["Connection"] = "close"
    if is_api(request.path):
        add_api_headers(request, response)
    access_log.write_when_done(request, response)
    return response


def add_api_headers(request: ApiRequest, response: HttpResponseBase) -> None:
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    headers.setdefault("Cache-Control", "no-store")
    if request.api.usage:
        for name, value in request.api.usage.headers().items():
            headers[name] = value
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own line about it
