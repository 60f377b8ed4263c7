"""How large a body may be. The server stops reading there; the middleware refuses the call."""

from collections.abc import MutableMapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from chatbot_project.api.errors import ApiError, InvalidRequest, PayloadTooLarge

UPLOADS = ("POST", "/api/files/upload")
TOO_LARGE = "too large"
MARK = "chatbot.refusal"  # in the ASGI scope

Scope = MutableMapping[str, Any]


def body_limit(method: str, path: str, authorization: str) -> int:
    """Bytes. The body comes before anybody is asked: here it counts that a key could be one, not
    whether it is. How long a body may take is up to the server (`wire.py`).
    """
    if (method, path) == UPLOADS and import_string(settings.API_IS_KEY_IN_HEADER)(authorization):
        limit: int = settings.MAX_UPLOAD_BYTES
    else:
        limit = settings.MAX_BODY_BYTES
    return limit


def mark(scope: Scope, reason: str) -> None:
    scope[MARK] = reason


def refusal_of(request: HttpRequest) -> ApiError | None:
    """Why the server passed this request on without its body, as an error."""
    reason: str | None = getattr(request, "scope", {}).get(MARK)
    if reason == TOO_LARGE:
        limit = body_limit(
            request.method or "", request.path, request.headers.get("Authorization", "")
        )
        return PayloadTooLarge(limit_bytes=limit, headers={"Connection": "close"})
    return InvalidRequest(reason) if reason else None
