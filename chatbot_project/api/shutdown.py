"""What must be done before the web process ends: saving what runs, telling those who wait."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger("api.shutdown")

LIMIT = 3.0  # seconds for each hook; they run side by side

Hook = Callable[[], Awaitable[None]]
hooks: list[Hook] = []
_begun = False


def register(hook: Hook) -> Hook:
    """Has the coroutine function `hook` awaited on SIGTERM. Usable as a decorator."""
    if hook not in hooks:
        hooks.append(hook)
    return hook


def has_begun() -> bool:
    """Whether the process is ending: what is begun now, no hook would save."""
    return _begun


async def run() -> None:
    """Never raises: one hook's failure must not keep the others from saving."""
    global _begun
    _begun = True
    results = await asyncio.gather(
        *(asyncio.wait_for(hook(), LIMIT) for hook in hooks), return_exceptions=True
    )
    for hook, result in zip(hooks, results, strict=True):
        if isinstance(result, BaseException):
            log.error("shutdown hook failed", hook=hook.__qualname__, exc_info=result)
