"""Connections to the database that are lost in the middle of a call."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import InterfaceError, connection

from tests.live import in_database_threads


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
    lost = Outage()
    with connection.execute_wrapper(lost):
        in_database_threads(lambda: connection.execute_wrappers.append(lost))
        try:
            yield lost
        finally:
            in_database_threads(lambda: connection.execute_wrappers.remove(lost))
