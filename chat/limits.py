"""How many answers an account may have in the making."""

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from accounts.models import User
from chatbot_project.api.errors import RateLimited
from webhooks.events import IS_HEARD

# The owner is looked up for each answer in the making, of which there are few: as a join, the
# planner would sometimes go through all the chats of the account. And an answer in the making is
# the assistant's; to say so makes it look rare enough for an index scan, which, unlike a bitmap's,
# does not come by each answer that has ended since the last vacuum.
UNDER_WAY = f"""
SELECT count(*), now(), {IS_HEARD}
FROM chat_message m
WHERE m.status = 'generating' AND m.role = 'assistant' AND m.lease_expires_at > now()
    AND (SELECT c.owner_id FROM chat_chat c WHERE c.id = m.chat_id) = %s
"""  # noqa: S608  (no value is part of it)


class Checked(NamedTuple):
    """What the database said on the way."""

    now: datetime  # its clock, which leases are judged by
    is_heard: bool  # webhooks are to be told of what happens


def check_answers_at_once(user: User) -> Checked:
    """Exact: the account's other beginnings wait until this transaction has ended.

    Raises RateLimited.
    """
    limit = user.tier.concurrent_answers
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [user.id.int & (2**63 - 1)])
    used, now, is_heard = _under_way(user)
    if used >= limit:
        raise RateLimited(
            f"Your tier allows {limit} answers at once.",
            headers={"Retry-After": "1"},
            quota="concurrent_answers",
            limit=limit,
            used=used,
        )
    return Checked(now, is_heard)


def count_answers(user: User) -> int:
    """How many are in the making."""
    return _under_way(user)[0]


def _under_way(user: User) -> tuple[int, datetime, bool]:
    with connection.cursor() as cursor:
        cursor.execute(UNDER_WAY, [user.id, user.id])
        row: tuple[int, datetime, bool] = cursor.fetchone()
        return row
