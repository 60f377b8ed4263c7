"""The one place that turns an exception into an answer: JSON for the API, a page for people."""

from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import structlog
from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    FieldError,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.shortcuts import render as render_page
from psycopg.errors import ForeignKeyViolation
from rest_framework import exceptions as drf

from chatbot_project.api import errors
from chatbot_project.api.requests import Answered, is_api, state_of

log = structlog.get_logger("api")

# How Django ends the names of foreign keys to accounts and their keys.
ACCOUNT_KEYS = ("_fk_accounts_user_id", "_fk_accounts_apikey_id")

DATABASE_FAILED = (InterfaceError, OperationalError)
# The first match wins. Messages are ours: an exception's own text is never shown.
KNOWN: list[tuple[type[Exception] | tuple[type[Exception], ...], type[errors.ApiError]]] = [
    ((drf.NotAuthenticated, drf.AuthenticationFailed), errors.InvalidApiKey),
    ((drf.PermissionDenied, PermissionDenied), errors.InsufficientPermissions),
    ((drf.NotFound, Http404, ObjectDoesNotExist), errors.ResourceNotFound),
    (drf.MethodNotAllowed, errors.MethodNotAllowed),
    (drf.UnsupportedMediaType, errors.UnsupportedMediaType),
    ((drf.ParseError, BadRequest, SuspiciousOperation), errors.InvalidRequest),
    ((MultiPartParserError, UnreadablePostError), errors.InvalidRequest),
    (DataError, errors.InvalidRequest),  # no column can hold it: beyond 64 bits, NUL in a text
]


def render(error: Exception, request: HttpRequest) -> HttpResponse:
    """The answer to `request` that `error` stands for. Logs what nobody foresaw."""
    if isinstance(error, Answered):
        return error.response
    known = as_api_error(error)
    if known is None:
        log.error("unhandled", path=request.path[:200], exc_info=error)
        known = (
            errors.Unavailable() if isinstance(error, DATABASE_FAILED) else errors.InternalError()
        )
    if is_api(request.path):
        return envelope(known, request)
    return page(known, request)


def render_for_page(error: Exception, request: HttpRequest) -> HttpResponse | None:
    """The answer where a page's view failed for what it was asked, or for want of a database.

    None: the fault is ours, or Django knows what to say.
    """
    if isinstance(error, DATABASE_FAILED):
        return render(error, request)
    has_nul = isinstance(error, ValueError) and "\0" in unquote(request.get_full_path())
    if has_nul or isinstance(error, DataError | ValidationError) or is_odd_lookup(error, request):
        return page(errors.InvalidRequest(), request)
    return None


def is_odd_lookup(error: Exception, request: HttpRequest) -> bool:
    """Whether a query such as `?day__range=x`, typed into the address of a list of Django's admin,
    has failed: the lookups of its models raise what they like."""
    match = request.resolver_match
    is_list = match is not None and (match.url_name or "").endswith("_changelist")
    kinds = (ValueError, IndexError, OverflowError, FieldError, ProgrammingError)
    return is_list and bool(request.GET) and isinstance(error, kinds)


def as_api_error(error: Exception) -> errors.ApiError | None:
    """None for an exception that is a fault of ours."""
    if isinstance(error, errors.ApiError):
        return error
    if isinstance(error, drf.ValidationError):
        return invalid_fields(error.detail, error.get_codes())
    if isinstance(error, DisallowedHost):
        return errors.InvalidRequest("The header Host is not valid, or names another server.")
    if isinstance(error, RequestDataTooBig):
        return errors.PayloadTooLarge(limit_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if isinstance(error, IntegrityError) and account_is_gone(error.__cause__):
        return errors.InvalidApiKey()
    for types, known in KNOWN:
        if isinstance(error, types):
            return known()
    return None


def account_is_gone(cause: BaseException | None) -> bool:
    """Deleted after the request had been let in: the commit finds it out."""
    if not isinstance(cause, ForeignKeyViolation):
        return False
    return (cause.diag.constraint_name or "").endswith(ACCOUNT_KEYS)


def envelope(error: errors.ApiError, request: HttpRequest) -> HttpResponse:
    details = dict(error.details)
    if state := state_of(request):
        details["request_id"] = state.request_id
    body = {"code": error.default_code, "message": error.message, "details": details}
    return JsonResponse({"error": body}, status=error.status_code, headers=error.headers)


def page(error: errors.ApiError, request: HttpRequest) -> HttpResponse:
    status = error.status_code
    context: dict[str, Any] = {"status": status, "title": HTTPStatus(status).phrase}
    response = render_page(request, "site/error.html", context, status=status)
    for name, value in error.headers.items():
        response.headers[name] = value
    return response


def invalid_fields(detail: Any, codes: Any) -> errors.InvalidRequest:
    """A serializer's errors as `missing_fields` and `invalid_fields`; nested names have dots."""
    missing: list[str] = []
    invalid: dict[str, list[str]] = {}
    for name, text, code in flatten(detail, codes):
        if code == "required":
            missing.append(name)
        else:
            invalid.setdefault(name, []).append(text)
    details: dict[str, Any] = {}
    if missing:
        details["missing_fields"] = missing
    if invalid:
        details["invalid_fields"] = invalid
    message = "The request is missing required parameters" if missing else None
    return errors.InvalidRequest(message, **details)


def flatten(detail: Any, codes: Any, path: str = "") -> list[tuple[str, str, str]]:
    """(field, message, code) of every leaf of a ValidationError's detail."""
    if isinstance(detail, dict):
        pairs = [(str(name), value, codes[name]) for name, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        pairs = [(str(i), value, codes[i]) for i, value in enumerate(detail)]
    elif isinstance(detail, list):
        return [(path, str(text), str(code)) for text, code in zip(detail, codes, strict=True)]
    else:
        return [(path, str(detail), str(codes))]
    found = []
    for name, value, code in pairs:
        names = [part for part in (path, name) if part and part != "non_field_errors"]
        found += flatten(value, code, ".".join(names))
    return found


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """REST framework's EXCEPTION_HANDLER."""
    return render(error, context["request"]._request)


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(exception, request)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(exception, request)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(exception, request)


def handler500(request: HttpRequest) -> HttpResponse:
    """Django has logged the exception already."""
    error = errors.InternalError()
    return envelope(error, request) if is_api(request.path) else page(error, request)
