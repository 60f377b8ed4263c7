"""Transactions in threads of their own, for tests of what happens at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from tests.webhooks.conftest import SAID
from webhooks import events, settling

InThread = Callable[..., "Future[Any]"]
MOMENT = 0.2  # seconds in which nothing is to happen


@pytest.fixture
def in_thread() -> Iterator[InThread]:
    """`in_thread(call)`: in a thread, and a database connection, of its own."""

    def called(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        yield lambda call: threads.submit(called, call)


@contextmanager
def happening(in_thread: InThread, owner: User) -> "Iterator[Future[Any]]":
    """An event of a transaction that lasts as long as this, and commits then; done when it has."""
    emitted, enough = threading.Event(), threading.Event()

    def happen() -> None:
        with transaction.atomic():
            events.emit("chat.message", owner, SAID)
            emitted.set()
            enough.wait(10)

    done = in_thread(happen)
    assert emitted.wait(10)
    try:
        yield done
    finally:
        enough.set()
        done.result(10)


def is_waiting(future: "Future[Any]") -> bool:
    with pytest.raises(TimeoutError):
        future.result(MOMENT)
    return not future.done()


@pytest.fixture
def no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the test's own transaction would be waited for."""
    monkeypatch.setattr(settling, "LONGEST", 0)
