"""Leases of work that waits for models: they are kept however long one takes to answer, and given
back at once where this worker is to end."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import Error as DatabaseError  # lost connections too
from django.db import connections

from chatbot_project.celery import is_stopping

log = structlog.get_logger("knowledge.leases")

LOOK = 0.5  # seconds, from one look whether this worker is to end to the next
RENEWAL = 10.0  # seconds: a lease lasts several times as long
LONGEST = 4 * 3600.0  # seconds for one piece of work: whoever hangs loses it, alive or not


@contextmanager
def renewed(renew: Callable[[], object], give_back: Callable[[], object]) -> Iterator[None]:
    """Calls `renew` from time to time while the block runs, in a thread of its own; and `give_back`
    when this worker is asked to end: it may be killed before a model has answered."""
    over = threading.Event()
    arguments = [over, renew, give_back]
    renewing = threading.Thread(target=renew_until, args=arguments, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


def renew_until(
    over: threading.Event, renew: Callable[[], object], give_back: Callable[[], object]
) -> None:
    began = renewed_at = time.monotonic()
    while not over.wait(LOOK) and time.monotonic() < began + LONGEST:
        if is_stopping():
            if done(give_back):
                return
        elif time.monotonic() >= renewed_at + RENEWAL:
            done(renew)
            renewed_at = time.monotonic()


def done(change: Callable[[], object]) -> bool:
    """False: the database failed. The next try may come in time."""
    try:
        change()
    except DatabaseError as error:
        log.warning("a lease could not be changed", exc_info=error)
        return False
    finally:
        connections.close_all()
    return True
