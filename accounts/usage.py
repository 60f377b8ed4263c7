"""What accounts use: tokens and answers, by day and key, and the month's quota of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from chatbot_project.api.errors import QuotaExceeded

# Adds one answer to its day, as a part of the statement that ends it: `{condition}` says whether.
# In SQL, because the ORM's upsert can overwrite but not add. Takes what `values` gives. The day's
# row stays locked until the transaction ends.
ADD = """
    INSERT INTO accounts_usageday AS day
        (owner_id, api_key_id, day, answers, prompt_tokens, completion_tokens)
    SELECT %s::uuid, %s::uuid, %s::date, 1, %s::bigint, %s::bigint WHERE {condition}
    ON CONFLICT (owner_id, day, api_key_id) DO UPDATE SET
        answers = day.answers + 1,
        prompt_tokens = day.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = day.completion_tokens + excluded.completion_tokens
"""
# Every answer asks this first: through the ORM it takes three times as long.
TOKENS = """
    SELECT coalesce(sum(prompt_tokens + completion_tokens), 0)
    FROM accounts_usageday WHERE owner_id = %s AND day >= %s
"""


def today() -> date:
    return datetime.now(UTC).date()


def month_resets_at() -> str:
    """When the month's quota is whole again: the first of the next month, 00:00 UTC."""
    first = (today().replace(day=1) + timedelta(days=31)).replace(day=1)
    return f"{first}T00:00:00Z"


def values(
    owner_id: UUID, api_key_id: UUID | None, prompt_tokens: int, completion_tokens: int
) -> list[Any]:
    """An answer of today, for ADD."""
    return [owner_id, api_key_id, today(), prompt_tokens, completion_tokens]


def tokens_this_month(owner_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(TOKENS, [owner_id, today().replace(day=1)])
        return int(cursor.fetchone()[0])


def check_token_quota(user: User) -> None:
    """Raises QuotaExceeded when the month's tokens are used up. Load `user` with its tier."""
    limit = user.tier.tokens_per_month
    if limit is None:
        return
    used = tokens_this_month(user.pk)
    if used >= limit:
        raise QuotaExceeded(
            "This month's tokens are used up.",
            quota="tokens_per_month",
            limit=limit,
            used=used,
            resets_at=month_resets_at(),
        )
