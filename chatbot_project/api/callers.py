"""Who is asking: what the API plumbing knows of an account without knowing the accounts app."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest

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
