"""Who is asking: what the API plumbing knows of an account without knowing the accounts app."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from chatbot_project.api.errors import InsufficientPermissions


@dataclass(frozen=True, slots=True)
class Caller:
    """The account behind a request, as `settings.API_AUTHENTICATE` returns it."""

    account_id: UUID
    user: Any
    key: Any | None  # None: a signed-in person's own browser
    scopes: frozenset[str] | None  # None: everything
    requests_per_minute: int

    def require(self, scope: str) -> None:
        """Raises InsufficientPermissions when the key lacks `scope`."""
        if self.scopes is not None and scope not in self.scopes:
            raise InsufficientPermissions(
                f"This key lacks the scope {scope}.", required_scope=scope
            )


Authenticate = Callable[[HttpRequest], Caller | None]


@cache
def authenticate() -> Authenticate:
    return cast(Authenticate, import_string(settings.API_AUTHENTICATE))


def needs_database(request: HttpRequest) -> bool:
    """Whether there is anything to authenticate the caller by."""
    return "Authorization" in request.headers or settings.SESSION_COOKIE_NAME in request.COOKIES
