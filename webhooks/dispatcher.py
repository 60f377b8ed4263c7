"""The loop in a worker that delivers: many posts at once, claimed and recorded in batches."""

import asyncio
import logging
import time
import uuid

from django.db import Error as DatabaseError  # lost connections too

from chatbot_project.api.threads import in_database
from webhooks import claims, outcomes, posting, waking
from webhooks.claims import Job
from webhooks.client import Client
from webhooks.outcomes import Outcome

logger = logging.getLogger(__name__)

POSTS = 400  # at once, to all endpoints
POLL_SECONDS = 0.025  # how soon a new event is seen while older ones are under way
GATHER_SECONDS = 0.002  # answers that come together are written down together
RENEW_SECONDS = 1.0
DATABASE_SECONDS = 20.0  # a database that is away for longer ends the work: beat begins it again


class Dispatcher:
    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._client = Client()
        self._posting: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []
        self._changed = asyncio.Event()
        self._renewed = time.monotonic()

    async def run(self) -> None:
        """Until nothing is due and nothing under way."""
        if not await in_database(waking.begin, self._name):
            return
        try:
            while await self._claim():
                await self._work()
                await in_database(waking.end)  # then once more, for what came in this moment
        finally:
            await self._finish()

    async def _work(self) -> None:
        while self._posting or self._outcomes:
            await self._wait()
            await self._record()
            await self._claim_more()
            await self._renew()

    async def _wait(self) -> None:
        """Until an answer has come, and what else comes with it, or for POLL_SECONDS."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_SECONDS)

    async def _claim(self) -> int:
        room = POSTS - len(self._posting)
        jobs = await in_database(claims.claim, room) if room > 0 else []
        for job in jobs:
            task = asyncio.create_task(self._deliver(job))
            self._posting.add(task)
            task.add_done_callback(self._posting.discard)
        return len(jobs)

    async def _claim_more(self) -> None:
        """With the database away, what is under way goes on."""
        try:
            await self._claim()
        except DatabaseError:
            logger.warning("deliveries_not_claimed")

    async def _deliver(self, job: Job) -> None:
        try:
            self._outcomes.append(await posting.attempt(self._client, job))
        except Exception:  # a fault of ours: the delivery is due again when its lease has run out
            logger.exception("attempt_broken")
        self._changed.set()

    async def _record(self) -> None:
        """Tries again while the database is away: what has been sent should not be sent twice."""
        self._changed.clear()
        if not self._outcomes:
            return None
        batch, self._outcomes = self._outcomes, []
        deadline = time.monotonic() + DATABASE_SECONDS
        while True:
            try:
                return await in_database(outcomes.store, batch)
            except DatabaseError:
                if time.monotonic() > deadline:
                    raise
                logger.warning("outcomes_not_stored")
            await asyncio.sleep(0.5)

    async def _renew(self) -> None:
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            self._renewed = time.monotonic()
            await in_database(waking.renew, self._name)

    async def _finish(self) -> None:
        """What is under way when something breaks is given up: leases bring it back."""
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        self._client.close()


async def deliver() -> None:
    """Delivers what is due, unless another dispatcher is at it."""
    await Dispatcher().run()
