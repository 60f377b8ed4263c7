"""Signing in with a password: so many tries a minute from one address."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from chatbot_project.api.addresses import limited_address
from chatbot_project.api.limits import count

TRIES_PER_MINUTE = 10


class SignInForm(AdminAuthenticationForm):
    """Counts a try before it looks at the password: a hundred at once do not slip through."""

    def clean(self) -> dict[str, Any]:
        address = limited_address(self.request) if self.request else "unknown"
        if count(f"sign-in:{address}", TRIES_PER_MINUTE).exceeded:
            raise ValidationError(
                "Too many tries from your address. Wait a minute.", code="rate_limited"
            )
        return super().clean()
