"""How many requests an account, or an address, may make in a minute: exact over all processes."""

import time
from dataclasses import dataclass

from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from chatbot_project.api.breaker import Breaker
from chatbot_project.api.errors import RateLimited

WINDOW = 60  # seconds
PAUSE = 3.0  # seconds without trying, after Redis has failed


@dataclass(frozen=True, slots=True)
class Usage:
    limit: int
    remaining: int
    resets_at: int  # epoch seconds
    exceeded: bool

    @property
    def resets_in(self) -> int:
        """Seconds, one at least."""
        return max(self.resets_at - int(time.time()), 1)

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.resets_at),
        }

    def require(self) -> None:
        """Raises RateLimited when this request was one too many."""
        if self.exceeded:
            raise RateLimited(
                headers={"Retry-After": str(self.resets_in)},
                limit=self.limit,
                retry_after=self.resets_in,
            )


breaker = Breaker("Redis does not answer: requests are not counted", PAUSE)


def count(subject: str, limit: int) -> Usage:
    """Counts one request of `subject`: where it stands. Redis down: it is let through."""
    if not breaker.allows():
        return uncounted(limit)
    try:
        found = get_usage(
            HttpRequest(),
            group="api",
            key=lambda group, request: subject,
            rate=(limit, WINDOW),
            increment=True,
        )
    except RedisError as error:
        breaker.failed(error)
        return uncounted(limit)
    breaker.succeeded()
    if found is None or found["time_left"] < 0:
        return uncounted(limit)
    # The window's last second still counts as its own: only the one after it is free again.
    resets_at = int(time.time()) + found["time_left"] + 1
    remaining = max(limit - found["count"], 0)
    return Usage(limit, remaining, resets_at, found["count"] > limit)


def uncounted(limit: int) -> Usage:
    return Usage(limit, limit, int(time.time()) + WINDOW, exceeded=False)
