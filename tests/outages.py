"""Connections to the database that are lost in the middle of a call."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import InterfaceError, connection

from chatbot_project.api import threads
from tests.live import in_each_of


class Outage:
    """`failed`: how many statements have."""

    failed = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.failed += 1
        raise InterfaceError("the connection is closed")


@contextmanager
def outage() -> Iterator[Outage]:
    """Every statement fails meanwhile, of the short calls' threads and of the caller's own.

    InterfaceError is what no `except DatabaseError` catches.
    """
    with outage_in(threads._short_calls) as lost, connection.execute_wrapper(lost):
        yield lost


@contextmanager
def outage_in(pool: ThreadPoolExecutor) -> Iterator[Outage]:
    """Every statement of these threads fails meanwhile."""
    lost = Outage()
    in_each_of(pool, lambda: connection.execute_wrappers.append(lost))
    try:
        yield lost
    finally:
        in_each_of(pool, lambda: connection.execute_wrappers.remove(lost))
