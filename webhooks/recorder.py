"""Writes down what came of attempts, beside the posting: neither waits for the other."""

import asyncio
import logging
import time

from django.db import Error as DatabaseError  # lost connections too

from chatbot_project.api.threads import in_database
from webhooks import claims, outcomes
from webhooks.claims import Job
from webhooks.outcomes import Outcome

logger = logging.getLogger(__name__)

# What comes together is written together: a transaction for a few outcomes costs more than they do.
GATHER_SECONDS = 0.03
BATCH = 500
DATABASE_SECONDS = 20.0  # a database that is away for longer ends the work: beat begins it again
RETRY_SECONDS = 0.5


class Recorder:
    def __init__(self) -> None:
        self._outcomes: list[Outcome] = []
        self._unbegun: list[Job] = []
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task = asyncio.create_task(self._run())
        self._closing = False

    def ended(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._want()

    def give_back(self, jobs: list[Job]) -> None:
        if jobs:
            self._unbegun += jobs
            self._want()

    def _want(self) -> None:
        self._idle.clear()
        self._wanted.set()

    def require_alive(self) -> None:
        """Raises the DatabaseError that has ended it."""
        if self._task.done():
            self._task.result()

    async def drained(self) -> None:
        """Until everything so far is written down. Raises DatabaseError."""
        idle = asyncio.ensure_future(self._idle.wait())
        await asyncio.wait([idle, self._task], return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        self.require_alive()

    async def close(self) -> None:
        """Writes down what is left. Raises DatabaseError."""
        self._closing = True
        self._wanted.set()
        await self._task

    def abort(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        while not self._closing or self._outcomes or self._unbegun:
            await self._wanted.wait()
            if not self._closing:
                await asyncio.sleep(GATHER_SECONDS)
            self._wanted.clear()
            # Failures first: what is given back must find its endpoint resting.
            while self._outcomes:
                batch, self._outcomes = self._outcomes[:BATCH], self._outcomes[BATCH:]
                await self._store(batch)
            jobs, self._unbegun = self._unbegun, []
            if jobs:
                await in_database(claims.release, jobs)
            if not self._wanted.is_set():
                self._idle.set()

    async def _store(self, batch: list[Outcome]) -> None:
        """Tries again while the database is away: what has been sent should not be sent twice."""
        deadline = time.monotonic() + DATABASE_SECONDS
        again = False
        while True:
            try:
                return await in_database(outcomes.store, batch, again=again)
            except DatabaseError:
                again = True
                if time.monotonic() > deadline:
                    raise
                logger.warning("outcomes_not_stored")
            await asyncio.sleep(RETRY_SECONDS)
