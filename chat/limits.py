"""What is looked at before an answer begins: how many an account has in the making."""

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from accounts.models import User
from chatbot_project.api.errors import RateLimited
from knowledge.models import audiences
from knowledge.term_stats import ANY_CHUNK


class Beginning(NamedTuple):
    now: datetime  # by the database's clock, which leases are judged by
    has_knowledge: bool  # there is something to look up. Asked here, it costs next to nothing


LOOK = f"""
SELECT count(*), now(), {ANY_CHUNK} FROM chat_message m JOIN chat_chat c ON c.id = m.chat_id
WHERE m.status = 'generating' AND m.lease_expires_at > now() AND c.owner_id = %s
"""  # noqa: S608  (no value is part of it)


def check_answers_at_once(user: User) -> Beginning:
    """Exact: the account's other beginnings wait until this transaction has ended.

    Raises RateLimited.
    """
    limit = user.tier.concurrent_answers
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [user.id.int & (2**63 - 1)])
        cursor.execute(LOOK, [audiences(user), user.id])
        used, now, has_knowledge = cursor.fetchone()
    if used >= limit:
        raise RateLimited(
            f"Your tier allows {limit} answers at once.",
            headers={"Retry-After": "1"},
            quota="concurrent_answers",
            limit=limit,
            used=used,
        )
    return Beginning(now, has_knowledge)
