"""An event loop in a thread of its own, so that code without one can share its connections."""

import asyncio
import os
from collections.abc import Coroutine
from threading import Thread
from typing import Any, TypeVar

from knowledge.once import once

R = TypeVar("R")


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Runs it there and waits for its result. Never call it on an event loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop(os.getpid())).result()


@once
def _loop(process: int) -> asyncio.AbstractEventLoop:
    """One for each process: a fork does not take threads with it."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="background-loop", daemon=True).start()
    return loop
