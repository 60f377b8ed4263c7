"""Calling workers. What there is to do stands in the database, and beat's sweeps look for it there:
a lost call loses nothing, so no caller waits long for the broker, and none fails for it.
"""

from collections.abc import Callable
from functools import cache

from django.db import transaction
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.pools import producers
from redis.exceptions import RedisError

from chatbot_project.api.breaker import Breaker
from chatbot_project.celery import app

TIMEOUT = 0.5  # seconds, to connect and to answer; a worker's own connections wait for much longer
breaker = Breaker("No worker can be called: beat will have the work done", pause=1.5)


@cache
def _broker() -> Connection:
    """Names the pool of connections that calls are sent over. It is not connected itself."""
    waits = {"socket_connect_timeout": TIMEOUT, "socket_timeout": TIMEOUT, "max_retries": 0}
    return app.connection_for_write(transport_options=waits)


def call(
    task: str, *args: str, expires: int | None = None, unless: Callable[[], bool] | None = None
) -> None:
    """Has a worker run the task of this name, within `expires` seconds or not at all.

    `unless` may ask Redis whether that is needed. Never fails, and drops the call where Redis is
    away: every 1.5 s one caller waits half a second to see whether it is back.
    """
    if not breaker.allows():
        return
    try:
        if unless is None or not unless():
            _send(task, args, expires)
    except (RedisError, OperationalError) as error:
        breaker.failed(error)
    else:
        breaker.succeeded()


def _send(task: str, args: tuple[str, ...], expires: int | None) -> None:
    with producers[_broker()].acquire(block=True) as producer:
        app.send_task(task, args, producer=producer, expires=expires, retry=False)


def call_on_commit(task: str, *args: str, expires: int | None = None) -> None:
    """The same, once the caller's transaction commits."""

    def call_it() -> None:
        call(task, *args, expires=expires)

    # A `partial` would not do: Django wants the name of a hook that raises.
    transaction.on_commit(call_it, robust=True)
