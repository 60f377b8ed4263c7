"""Waiting for a condition, with a limit: what tests do instead of sleeping."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE = threading.Event()  # never set: waiting on it is a pause


def wait_until(condition: Callable[[], T], what: str = "the condition", limit: float = 15) -> T:
    """The first true value of `condition()`. Fails the test when `limit` seconds bring none."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {limit} s for {what}.")
        PAUSE.wait(0.01)
    return value
