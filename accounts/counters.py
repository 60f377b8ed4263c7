"""How much is used up of those limits of a tier that other apps count.

`settings.USAGE_COUNTERS` names their functions, by field of Tier: each takes a user and returns an
integer in the field's unit.
"""

from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User


def used(limit: str, user: User) -> int | None:
    """None: nobody counts it."""
    path = settings.USAGE_COUNTERS.get(limit)
    return cast(int, import_string(path)(user)) if path else None
