"""How many answers an account may have in the making."""

from datetime import datetime

from django.db import connection

from accounts.models import User
from chatbot_project.api.errors import RateLimited


def check_answers_at_once(user: User) -> datetime:
    """Exact: the account's other beginnings wait until this transaction has ended.

    Returns the time by the database's clock, which leases are judged by. Raises RateLimited.
    """
    limit = user.tier.concurrent_answers
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [user.id.int & (2**63 - 1)])
        cursor.execute(
            "SELECT count(*), now() FROM chat_message m JOIN chat_chat c ON c.id = m.chat_id "
            "WHERE m.status = 'generating' AND m.lease_expires_at > now() AND c.owner_id = %s",
            [user.id],
        )
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
