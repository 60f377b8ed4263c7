"""One line a request: who, what, how it ended, how long. No query strings: they hold secrets."""

import time

from django.conf import settings
from django.http import HttpResponseBase

from chatbot_project import logs
from chatbot_project.api import ids
from chatbot_project.api.requests import CHECKS, ApiRequest, is_api

log = logs.access_logger(settings.LOG_LEVEL, settings.LOG_FORMAT)

MAX_PATH = 200


def write_when_done(request: ApiRequest, response: HttpResponseBase) -> None:
    """Now; for a stream, when it has ended."""
    if response.streaming:
        closers = response._resource_closers  # type: ignore[attr-defined]
        closers.append(lambda: write(request, response.status_code))
    else:
        write(request, response.status_code)


def write(request: ApiRequest, status: int) -> None:
    if request.path in CHECKS:
        return
    caller = request.caller
    log.info(
        "request",
        request_id=request.api.request_id,
        method=request.method,
        path=loggable_path(request),
        status=status,
        duration_ms=round((time.perf_counter() - request.api.started) * 1000, 1),
        account=ids.encode("user", caller.account_id) if caller else None,
        key=caller.key.public_id if caller and caller.key else None,
    )


def loggable_path(request: ApiRequest) -> str:
    """A page's route, not its path: links in mails carry secrets in it."""
    if is_api(request.path):
        return request.path[:MAX_PATH]
    return request.resolver_match.route if request.resolver_match else "(unknown page)"
