"""What waits for the embedding model while its caller waits, account by account.

A few calls of an account are at work; the next ones wait without a thread, and more are refused:
whatever one account sends, others find threads, and the process its memory.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.http import HttpRequest

from chatbot_project.api.errors import RateLimited
from chatbot_project.api.threads import answering, run_in

P = ParamSpec("P")
R = TypeVar("R")


class Queues:
    """One for each account that has calls, and the threads of them all.

    `at_work`: of an account, at once; `waiting`: of an account, before they are refused.
    """

    def __init__(self, name: str, *, threads: int, at_work: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._at_work, self._most = at_work, at_work + waiting
        self._calls: dict[UUID, int] = {}
        self._free: dict[UUID, asyncio.Semaphore] = {}

    async def turn(self, account_id: UUID, work: Callable[[], Awaitable[R]]) -> R:
        """Who hangs up before it loses it; what has begun is finished. Raises RateLimited."""
        self._enter(account_id)
        try:
            await self._free[account_id].acquire()
        except asyncio.CancelledError:
            self._leave(account_id)
            raise
        working = asyncio.ensure_future(work())
        working.add_done_callback(lambda _: self._end(account_id))
        return await asyncio.shield(working)

    async def compute(
        self, request: HttpRequest, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Runs what takes the model, within a turn. It holds no connection meanwhile."""
        return await answering(request, partial(run_in, self._threads), function, *args, **kwargs)

    def _enter(self, account_id: UUID) -> None:
        calls = self._calls.get(account_id, 0)
        if calls >= self._most:
            raise RateLimited(
                f"{calls} such calls of your account are under way. Wait for their answers.",
                headers={"Retry-After": "2"},
                limit_at_once=self._most,
            )
        self._calls[account_id] = calls + 1
        self._free.setdefault(account_id, asyncio.Semaphore(self._at_work))

    def _end(self, account_id: UUID) -> None:
        self._free[account_id].release()
        self._leave(account_id)

    def _leave(self, account_id: UUID) -> None:
        self._calls[account_id] -= 1
        if not self._calls[account_id]:
            del self._calls[account_id], self._free[account_id]
