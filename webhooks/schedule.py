"""When a delivery is tried again, and when an endpoint rests."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

SECOND, MINUTE, HOUR = 1, 60, 3600
# Seconds between the attempts, from the first one's end: three days in all.
DELAYS = (
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
MAX_TRIES = len(DELAYS) + 1
JITTER = 0.2
LONGEST_RETRY_AFTER = 24 * HOUR
GIVEN_UP_AFTER = timedelta(days=5)  # an endpoint that has failed so long is disabled
# The breaker: after so many rounds of failures an endpoint is tried by one delivery at a time, with
# pauses that double.
ROUNDS = 5
FIRST_PAUSE, LONGEST_PAUSE = 5 * SECOND, 5 * MINUTE
AT_ONCE = 20  # posts to an endpoint in good health


def delay_after(tries: int, retry_after: float | None = None) -> float | None:
    """Seconds to wait after failed attempt number `tries`. None: that was the last.

    A receiver's Retry-After makes it longer, never shorter, and at most a day.
    """
    if tries >= MAX_TRIES:
        return None
    delay = DELAYS[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return max(delay, min(retry_after or 0, LONGEST_RETRY_AFTER))


def retry_after(header: str, now: datetime) -> float | None:
    """Seconds, of a Retry-After header in either form (RFC 9110, 10.2.3). None: it says nothing."""
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max((moment - now).total_seconds(), 0)
    except (ValueError, OverflowError):  # of a year or an hour that no date has
        return None
