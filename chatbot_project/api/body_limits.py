"""How large a body may be, and whose. The server stops reading there; the middleware refuses the
call. How long a body may take is up to the server (`wire.py`).
"""

from collections.abc import MutableMapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, parse_cookie

from chatbot_project.api.callers import authenticate, needs_database
from chatbot_project.api.errors import (
    ApiError,
    InvalidApiKey,
    InvalidRequest,
    PayloadTooLarge,
    Unavailable,
)
from chatbot_project.api.errors_handler import DATABASE_FAILED
from chatbot_project.api.requests import caller_of
from chatbot_project.api.threads import in_database

UPLOADS = ("POST", "/api/files/upload")
SMALL = 65_536  # bytes that are read before anybody is asked who sends them
TOO_LARGE = "too large"
UNKNOWN_SENDER = "unknown sender"
WELCOME = "chatbot.welcome"  # in the ASGI scope: its sender has been asked for
UNREAD = (TOO_LARGE, UNKNOWN_SENDER)
MARK = "chatbot.refusal"  # likewise: the reason

Scope = MutableMapping[str, Any]


def body_limit(method: str, path: str) -> int:
    """Bytes."""
    limit: int = settings.MAX_UPLOAD_BYTES if (method, path) == UPLOADS else settings.MAX_BODY_BYTES
    return limit


async def is_welcome(authorization: str, cookie: str) -> bool:
    """Whether a call to the API with these headers may send a body larger than SMALL.

    It is asked before the body is read. A CSRF token is looked at later, with the rest.
    """
    request = HttpRequest()
    request.method = "GET"
    request.COOKIES = parse_cookie(cookie)
    if authorization:
        request.META["HTTP_AUTHORIZATION"] = authorization
    if not needs_database(request):
        return False
    try:
        return await in_database(authenticate(), request) is not None
    except (ApiError, *DATABASE_FAILED):  # the call is answered so when it is admitted
        return False


def mark(scope: Scope, reason: str) -> None:
    scope[MARK] = reason


def reason_of(request: HttpRequest) -> str | None:
    reason: str | None = getattr(request, "scope", {}).get(MARK)
    return reason


def is_unread(request: HttpRequest) -> bool:
    """Whether the client may still be sending a body that nobody reads."""
    return reason_of(request) in UNREAD


def refusal_of(request: HttpRequest) -> ApiError | None:
    """Why the server passed this request on without its body, as an error."""
    match reason_of(request):
        case None:
            return None
        case "too large":
            return PayloadTooLarge(limit_bytes=body_limit(request.method or "", request.path))
        case "unknown sender":  # known by now: the database was away, or the key is brand-new
            return Unavailable() if caller_of(request) else InvalidApiKey()
        case reason:
            return InvalidRequest(reason)
