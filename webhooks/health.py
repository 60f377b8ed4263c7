"""How an endpoint is doing: the breaker that lets it rest, and the end of one that is gone."""

import logging
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from webhooks.models import DisabledReason
from webhooks.schedule import (
    FIRST_PAUSE,
    GIVEN_UP_AFTER,
    LONGEST_PAUSE,
    LONGEST_RETRY_AFTER,
    ROUNDS,
)

logger = logging.getLogger(__name__)

WELL: dict[str, Any] = {
    "failures": 0,
    "failing_since": None,
    "failed_at": None,
    "paused_until": None,
}


class Failure(NamedTuple):
    """What failed of an endpoint's attempts, told at once."""

    claimed_at: datetime  # the latest of them, by the database's clock
    gone: bool  # 410
    rest: float  # seconds that it asked everybody to stay away


def note_success(endpoint: Any) -> None:
    """Of one that was failing: it is forgotten."""
    for name, value in WELL.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=[*WELL])


def note_failure(endpoint: Any, failure: Failure) -> None:
    """Attempts that ran side by side count as one round. It is locked, and has the time `now`."""
    if endpoint.failed_at is None or failure.claimed_at >= endpoint.failed_at:
        endpoint.failures += 1
        endpoint.failed_at = endpoint.now
    endpoint.failing_since = endpoint.failing_since or endpoint.now
    endpoint.paused_until = _paused_until(endpoint, failure)
    if endpoint.enabled and failure.gone:
        disable(endpoint, DisabledReason.GONE)
    elif endpoint.enabled and endpoint.now - endpoint.failing_since >= GIVEN_UP_AFTER:
        disable(endpoint, DisabledReason.FAILING)
    endpoint.save(update_fields=[*WELL, "enabled", "disabled_reason", "disabled_at"])


def _paused_until(endpoint: Any, failure: Failure) -> datetime | None:
    seconds = min(failure.rest, LONGEST_RETRY_AFTER)
    if endpoint.failures >= ROUNDS:
        doubled = FIRST_PAUSE * 2 ** min(endpoint.failures - ROUNDS, 10)
        seconds = max(seconds, min(doubled, LONGEST_PAUSE))
    if not seconds:
        return endpoint.paused_until
    until: datetime = endpoint.now + timedelta(seconds=seconds)
    return max(until, endpoint.paused_until or until)


def disable(endpoint: Any, reason: DisabledReason) -> None:
    """Nothing is sent any more; what waits goes on waiting. Beat has its owner told."""
    endpoint.enabled = False
    endpoint.disabled_reason = reason
    endpoint.disabled_at = endpoint.now
    logger.warning("endpoint_disabled", extra={"endpoint": endpoint.public_id, "reason": reason})
