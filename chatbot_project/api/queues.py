"""Calls that wait for their turn, account by account.

A few of an account's are at work; the next ones wait without a thread, and more are refused:
whatever one account sends, others find threads, and the process its memory.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from chatbot_project.api.errors import RateLimited

R = TypeVar("R")


class Queues:
    """One for each account that has calls.

    `at_work`: of an account, at once; `waiting`: of an account, before they are refused.
    """

    def __init__(self, *, at_work: int, waiting: int) -> None:
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
