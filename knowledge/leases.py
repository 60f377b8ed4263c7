"""Leases of work that waits for models: they are kept however long one takes to answer."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import Error as DatabaseError  # lost connections too
from django.db import connections

log = structlog.get_logger("knowledge.leases")

RENEWAL = 10.0  # seconds: a lease lasts several times as long
LONGEST = 4 * 3600.0  # seconds for one piece of work: whoever hangs loses it, alive or not


@contextmanager
def renewed(renew: Callable[[], object]) -> Iterator[None]:
    """Calls `renew` from time to time while the block runs, in a thread of its own."""
    over = threading.Event()
    renewing = threading.Thread(target=renew_until, args=[over, renew], daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


def renew_until(over: threading.Event, renew: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST
    while not over.wait(RENEWAL) and time.monotonic() < deadline:
        try:
            renew()
        except DatabaseError as error:  # the next try may come in time
            log.warning("a lease could not be renewed", exc_info=error)
        finally:
            connections.close_all()
