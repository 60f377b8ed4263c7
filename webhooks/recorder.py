"""Writes down what came of attempts, beside the posting: neither waits for the other."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

from django.db import Error as DatabaseError  # lost connections too

from chatbot_project.api.threads import in_database
from webhooks import claims, judging
from webhooks.claims import Job
from webhooks.outcomes import Outcome

logger = logging.getLogger(__name__)

# What comes together is written together: a transaction for a few outcomes costs more than they do.
GATHER_SECONDS = 0.03
BATCH = 500
DATABASE_SECONDS = 20.0  # a database that is away for longer ends the work: beat begins it again
RETRY_SECONDS = 0.5
# Who holds an endpoint for longer has its health of then forgotten, as a worker that ends forgets
# it: the next attempt tells.
JUDGED_WITHIN = timedelta(minutes=2)


class Recorder:
    def __init__(self) -> None:
        self._outcomes: list[Outcome] = []
        self._unjudged: list[Outcome] = []  # stored, but somebody holds their endpoint
        self._unbegun: list[Job] = []
        self._wanted = asyncio.Event()
        self._idle = True
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
        self._idle = False
        self._wanted.set()

    def require_alive(self) -> None:
        """Raises the DatabaseError that has ended it."""
        if self._task.done():
            self._task.result()

    @property
    def is_busy(self) -> bool:
        """Something is not written down yet."""
        return bool(self._unjudged) or not self._idle

    def judge_again(self) -> None:
        """Call it every second or so while it is busy."""
        if self._unjudged:
            self._want()

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
            if self._unjudged and not self._outcomes:
                await self._record([])
            while self._outcomes:
                batch, self._outcomes = self._outcomes[:BATCH], self._outcomes[BATCH:]
                await self._record(batch)
            jobs, self._unbegun = self._unbegun, []
            if jobs:
                await self._release(jobs)
            self._idle = not self._wanted.is_set()

    async def _release(self, jobs: list[Job]) -> None:
        """What cannot be given back is due again by its lease: no reason to end the work."""
        try:
            await in_database(claims.release, jobs)
        except DatabaseError:
            logger.warning("deliveries_not_given_back")

    async def _record(self, batch: list[Outcome]) -> None:
        left = await self._stored(batch)
        since = datetime.now(UTC) - JUDGED_WITHIN
        self._unjudged = [o._replace(response="") for o in left if o.started_at > since]

    async def _stored(self, batch: list[Outcome]) -> list[Outcome]:
        """Tries again while the database is away: what has been sent should not be sent twice."""
        deadline = time.monotonic() + DATABASE_SECONDS
        again = False
        while True:
            try:
                return await in_database(judging.record, batch, self._unjudged, again=again)
            except DatabaseError:
                again = True
                if time.monotonic() > deadline:
                    raise
                logger.warning("outcomes_not_stored")
            await asyncio.sleep(RETRY_SECONDS)
