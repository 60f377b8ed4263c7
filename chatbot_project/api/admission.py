"""What every call to the API passes before its view: who asks, how often, how much."""

from django.conf import settings
from django.http import HttpRequest

from chatbot_project.api import idempotency, limits, shutdown
from chatbot_project.api.addresses import limited_address
from chatbot_project.api.body_limits import refusal_of
from chatbot_project.api.callers import Caller, authenticate
from chatbot_project.api.errors import InvalidRequest, ShuttingDown
from chatbot_project.api.errors_handler import DATABASE_FAILED
from chatbot_project.api.idempotency import Reference
from chatbot_project.api.requests import ApiRequest


def admit(request: ApiRequest) -> Reference | None:
    """Sets `request.caller`, `request.api.usage` and, with an Idempotency-Key, `request.api.claim`.

    Returns what an earlier request with this key has made. Raises the ApiError that refuses the
    call, or Answered where its answer was kept.

    Whoever is not known, or not let in, counts against the address the call came from.
    """
    request.caller, answered = None, True
    try:
        request.caller = authenticate()(request)
    except DATABASE_FAILED:
        answered = False  # who called cannot be said: no address must pay for it
        raise
    finally:
        request.api.usage = count(request, request.caller) if answered else uncounted()
        request.api.usage.require()
    request.get_host()  # raises DisallowedHost
    if refusal := refusal_of(request):
        raise refusal
    if "%00" in request.META["QUERY_STRING"]:  # no column can hold it
        raise InvalidRequest("The query holds a NUL character (%00).")
    return idempotency.claim(request)


def require_open(request: ApiRequest) -> None:
    """Raises ShuttingDown, to the requests that come over connections kept open."""
    if shutdown.has_begun():
        request.api.usage = uncounted()
        raise ShuttingDown


def uncounted() -> limits.Usage:
    return limits.uncounted(settings.API_ANONYMOUS_REQUESTS_PER_MINUTE)


def count(request: HttpRequest, caller: Caller | None) -> limits.Usage:
    if caller is None:
        subject = f"address:{limited_address(request)}"
        return limits.count(subject, settings.API_ANONYMOUS_REQUESTS_PER_MINUTE)
    return limits.count(f"account:{caller.account_id}", caller.requests_per_minute)
