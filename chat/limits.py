"""How many answers an account may have in the making."""

from datetime import datetime

from django.db import connection

from accounts.models import User
from chatbot_project.api.errors import RateLimited

# The owner is looked up for each answer in the making, of which there are few: as a join, the
# planner would sometimes go through all the chats of the account. And an answer in the making is
# the assistant's; to say so makes it look rare enough for an index scan, which, unlike a bitmap's,
# does not come by each answer that has ended since the last vacuum.
COUNT = """
SELECT count(*), now() FROM chat_message m
WHERE m.status = 'generating' AND m.role = 'assistant' AND m.lease_expires_at > now()
    AND (SELECT c.owner_id FROM chat_chat c WHERE c.id = m.chat_id) = %s
"""


def check_answers_at_once(user: User) -> datetime:
    """Exact: the account's other beginnings wait until this transaction has ended.

    Returns the time by the database's clock, which leases are judged by. Raises RateLimited.
    """
    limit = user.tier.concurrent_answers
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [user.id.int & (2**63 - 1)])
        cursor.execute(COUNT, [user.id])
        used, now = cursor.fetchone()
    if used >= limit:
        raise RateLimited(
            f"Your tier allows {limit} answers at once.",
            headers={"Retry-After": "1"},
            quota="concurrent_answers",
            limit=limit,
            used=used,
        )
    checked: datetime = now
    return checked
