"""What came of attempts: recorded, and the delivery put on its schedule."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from webhooks import schedule
from webhooks.claims import Job
from webhooks.models import Attempt, Status

GONE = 410
OURS = {"secret_unreadable", "internal"}  # errors for want of something here: nothing was sent


class Outcome(NamedTuple):
    job: Job
    started_at: datetime
    duration: float  # seconds
    status: int | None  # of HTTP; None: there was no answer
    error: str = ""  # a word for why there was none
    response: str = ""
    retry_after: float | None = None  # seconds

    @property
    def is_ours(self) -> bool:
        """It says nothing of its endpoint."""
        return self.error in OURS

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def tries(self) -> int:
        return self.job.tries + 1

    def delay(self) -> float | None:
        """Seconds until the next attempt. None: there is none."""
        if self.succeeded or self.status == GONE:
            return None
        return schedule.delay_after(self.tries, self.retry_after)


# Whose claim has been given to another says what happened, and leaves the delivery alone.
STORE = """
WITH outcome AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s::json)
        AS o (id uuid, claim uuid, started_at timestamptz, duration float8, http int, error text,
            response text, status text, tries int, delay float8)
), recorded AS (
    INSERT INTO webhooks_attempt (delivery_id, started_at, duration, status, error, response)
    SELECT o.id, o.started_at, o.duration, o.http, o.error, o.response
    FROM outcome o JOIN webhooks_delivery d ON d.id = o.id
    WHERE d.id = ANY(ARRAY(SELECT id FROM outcome))
)
UPDATE webhooks_delivery d
SET status = o.status, tries = o.tries, claim = NULL,
    next_attempt_at = now() + make_interval(secs => o.delay),
    completed_at = CASE WHEN o.status <> 'pending' THEN now() END
FROM outcome o
WHERE d.id = ANY(ARRAY(SELECT id FROM outcome)) AND d.id = o.id AND d.claim = o.claim
"""


def store(outcomes: Sequence[Outcome], *, again: bool = False) -> None:
    """`again`: the last call with them ended in a DatabaseError, having stored them or not."""
    if again:
        outcomes = _not_stored(outcomes)
    with connection.cursor() as cursor:
        # As JSON: lists of parameters are made ready one value at a time, in Python.
        cursor.execute(STORE, [json.dumps([_row(outcome) for outcome in outcomes])])


def _not_stored(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The answer to a COMMIT may be lost, and what it stored must count once."""
    attempts = Attempt.objects.filter(delivery_id__in=[o.job.delivery_id for o in outcomes])
    found = set(attempts.values_list("delivery_id", "started_at"))
    return [o for o in outcomes if (o.job.delivery_id, o.started_at) not in found]


def _row(outcome: Outcome) -> dict[str, Any]:
    delay = outcome.delay()
    status = Status.SUCCEEDED if outcome.succeeded else Status.PENDING
    if delay is None and not outcome.succeeded:
        status = Status.FAILED
    return {
        "id": str(outcome.job.delivery_id),
        "claim": str(outcome.job.claim),
        "started_at": outcome.started_at.isoformat(),
        "duration": outcome.duration,
        "http": outcome.status,
        "error": outcome.error,
        "response": outcome.response,
        "status": status.value,
        "tries": outcome.tries,
        "delay": delay,
    }
