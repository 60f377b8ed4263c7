"""What is looked at before an answer begins: how many the account has in the making."""

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from accounts.models import User
from chatbot_project.api.errors import RateLimited
from knowledge.models import audiences
from knowledge.term_stats import ANY_CHUNK
from webhooks.events import IS_HEARD

# The owner is looked up for each answer in the making, of which there are few: as a join, the
# planner would sometimes go through all the chats of the account. And an answer in the making is
# the assistant's; to say so makes it look rare enough for an index scan, which, unlike a bitmap's,
# does not come by each answer that has ended since the last vacuum.
LOOK = f"""
SELECT count(*), now(), {ANY_CHUNK}, {IS_HEARD}
FROM chat_message m
WHERE m.status = 'generating' AND m.role = 'assistant' AND m.lease_expires_at > now()
    AND (SELECT c.owner_id FROM chat_chat c WHERE c.id = m.chat_id) = %s
"""  # noqa: S608  (no value is part of it)


class Beginning(NamedTuple):
    """What the database said on the way: asked together, it costs next to nothing."""

    now: datetime  # by the database's clock, which leases are judged by
    has_knowledge: bool  # there is something to look up
    is_heard: bool  # webhooks are to be told of what happens


def check_answers_at_once(user: User) -> Beginning:
    """Exact: the account's other beginnings wait until this transaction has ended.

    Raises RateLimited.
    """
    limit = user.tier.concurrent_answers
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [user.id.int & (2**63 - 1)])
    used, beginning = _look(user)
    if used >= limit:
        raise RateLimited(
            f"Your tier allows {limit} answers at once.",
            headers={"Retry-After": "1"},
            quota="concurrent_answers",
            limit=limit,
            used=used,
        )
    return beginning


def count_answers(user: User) -> int:
    """How many are in the making."""
    return _look(user)[0]


def _look(user: User) -> tuple[int, Beginning]:
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [audiences(user), user.id, user.id])
        used, *rest = cursor.fetchone()
        return used, Beginning(*rest)
