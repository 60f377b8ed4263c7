"""Waiting for what is under way in the database, so that nothing happens unheard.

`emit` asks whether an account has an endpoint, and whether it is enabled. A transaction that had
asked before it was, and commits when it is, tells nobody. So who makes an endpoint, or recovers
one, waits for the transactions of that moment to end: they are short. What takes longer than
LONGEST is not waited for, and may tell nobody. A lock would cost every event.
"""

import logging
import time
from datetime import datetime
from typing import Any

from django.db import connection

logger = logging.getLogger(__name__)

LONGEST = 2.0  # seconds: a backup, which emits nothing, may take hours
PAUSE = 0.01

UNDER_WAY = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start < %s
)
"""


def wait_for_transactions() -> None:
    """Until those that are under way now have ended. Inside a transaction, not at all: call it
    after the commit of what the others are to see."""
    if connection.in_atomic_block:
        return
    now: datetime = _ask("SELECT clock_timestamp()")
    deadline = time.monotonic() + LONGEST
    while _ask(UNDER_WAY, now):
        if time.monotonic() > deadline:
            logger.warning("transactions_not_waited_for")
            return
        time.sleep(PAUSE)


def _ask(query: str, *parameters: datetime) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchone()[0]
