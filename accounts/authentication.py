"""Who is calling the API: the holder of a key, or a signed-in person on one of our own pages."""

import copy
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connection
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import keys
from accounts.models import ApiKey, Tier, User
from chatbot_project.api.callers import Caller
from chatbot_project.api.errors import InsufficientPermissions, InvalidApiKey
from chatbot_project.api.pages import Session

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
LAST_USED_PRECISION = timedelta(minutes=1)

# Every API call runs this query. The same one through the ORM takes 1.5 ms of CPU, this 0.3 ms.
KEY_FIELDS = [field.attname for field in ApiKey._meta.concrete_fields if field.attname != "hash"]
USER_FIELDS = [field.attname for field in User._meta.concrete_fields if field.attname != "password"]
TIER_FIELDS = [field.attname for field in Tier._meta.concrete_fields]
COLUMNS = ", ".join(
    f'{table}."{field}"'
    for table, fields in (("k", KEY_FIELDS), ("u", USER_FIELDS), ("t", TIER_FIELDS))
    for field in fields
)
FIND_KEY = f"""
    SELECT {COLUMNS}
    FROM {ApiKey._meta.db_table} k
    JOIN {User._meta.db_table} u ON u.id = k.owner_id
    JOIN {Tier._meta.db_table} t ON t.id = u.tier_id
    WHERE k.hash = %s
"""  # noqa: S608  (the names are our models' own)


def authenticate(request: HttpRequest) -> Caller | None:
    """None without credentials. Raises InvalidApiKey; InsufficientPermissions for a CSRF token."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidApiKey
        return authenticate_key(secret.strip(" "))
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        return authenticate_session(request)
    return None


def authenticate_key(secret: str) -> Caller:
    """Raises InvalidApiKey, always the same, whatever is wrong with the key or its owner."""
    digest = keys.parse(secret)
    key = find_key(digest) if digest else None
    now = timezone.now()
    if key is None or not key.is_usable(now) or not key.owner.is_active:
        raise InvalidApiKey
    note_use(key, now)
    return Caller(
        account_id=key.owner_id,
        user=key.owner,
        key=key,
        scopes=None if key.scopes is None else frozenset(key.scopes),
        requests_per_minute=key.owner.tier.requests_per_minute,
    )


def find_key(digest: bytes) -> ApiKey | None:
    """The key with its owner and the owner's tier, in one query; usable or not."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_KEY, [digest])
        row = cursor.fetchone()
    if row is None:
        return None
    tier_at, alias = len(KEY_FIELDS) + len(USER_FIELDS), connection.alias
    key = ApiKey.from_db(alias, KEY_FIELDS, row[: len(KEY_FIELDS)])
    key.owner = User.from_db(alias, USER_FIELDS, row[len(KEY_FIELDS) : tier_at])
    key.owner.tier = Tier.from_db(alias, TIER_FIELDS, row[tier_at:])
    return key


def note_use(key: ApiKey, now: datetime) -> None:
    """Writes `last_used_at` at most once a minute, whoever else is at it."""
    stale = now - LAST_USED_PRECISION
    if key.last_used_at is None or key.last_used_at < stale:
        long_ago = Q(last_used_at=None) | Q(last_used_at__lt=stale)
        ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)


def authenticate_session(request: HttpRequest) -> Caller | None:
    """The person behind the session cookie; None when nobody is signed in any more."""
    Session(_no_response).process_request(request)
    user = get_user(request)
    if not isinstance(user, User):
        return None
    if request.method not in SAFE_METHODS:
        require_csrf_token(request)
    return Caller(
        account_id=user.pk,
        user=user,
        key=None,
        scopes=None,
        requests_per_minute=user.tier.requests_per_minute,
    )


def require_csrf_token(request: HttpRequest) -> None:
    """Asks for the header X-CSRFToken, as the scripts of our pages send it."""
    asked = copy.copy(request)
    asked.method = "PUT"  # for a POST, Django would read the whole body in search of a form field
    middleware = CsrfViewMiddleware(_no_response)
    middleware.process_request(asked)
    if middleware.process_view(asked, _no_response, (), {}) is not None:
        raise InsufficientPermissions("The CSRF token is missing or wrong.")


def _no_response(request: HttpRequest) -> HttpResponse:
    """What a middleware wants to be made with, when only its checks are used."""
    return HttpResponse()


class CallerAuthentication(BaseAuthentication):
    """Hands the caller that the API middleware found to Django REST framework."""

    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        caller: Any = getattr(request._request, "caller", None)
        return None if caller is None else (caller.user, caller)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description speaks of it."""

    target_class = CallerAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key: `cb_live_...`."}
