"""The loop in a worker that delivers: claims what is due, posts many at once, has it recorded."""

import asyncio
import logging
import time
import uuid

from django.db import Error as DatabaseError  # lost connections too

from chatbot_project.api.threads import in_database
from chatbot_project.celery import is_stopping
from webhooks import claims, posting, waking
from webhooks.claims import Job
from webhooks.client import Client
from webhooks.lanes import SCARCE, Lanes
from webhooks.recorder import Recorder
from webhooks.schedule import AT_ONCE

logger = logging.getLogger(__name__)

POSTS = 400  # at once, to all endpoints
CLAIMED = 1000  # at once, begun or not
POLL_SECONDS = 0.025  # how soon a new event is seen while older ones are under way
LOOK_SECONDS = 0.2  # how soon what has come due is, of which nobody tells: a claim is dear
RENEW_SECONDS = 1.0
STOP_SECONDS = 2.0  # for what is under way when the worker is to end


class Dispatcher:
    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._client = Client()
        self._lanes = Lanes()
        self._recorder = Recorder()
        self._posting: set[asyncio.Task[None]] = set()
        self._hungry = asyncio.Event()  # worth asking for more
        self._low = 0  # half of the last claim: with less than that waiting, ask for more
        self._look_at = 0.0  # when to claim whatever is known
        self._may_claim = True  # not once another dispatcher has taken over
        self._renewed = time.monotonic()

    async def run(self) -> None:
        """Until nothing is due and nothing under way, or the worker is to end.

        Raises DatabaseError.
        """
        if not await in_database(waking.hold, self._name):
            return self._recorder.abort()
        try:
            await self._claim()
            while await self._work_on():
                self._may_claim = await in_database(waking.hold, self._name)
            await self._recorder.close()
        finally:
            await self._give_up()

    async def _work_on(self) -> bool:
        """Until all is done, and then one more look for what came in that very moment."""
        await self._work()
        await in_database(waking.end, self._name)
        return not is_stopping() and bool(await self._claim())

    async def _work(self) -> None:
        while self._posting or self._lanes.waiting or self._recorder.is_busy:
            await self._wait()
            self._recorder.require_alive()
            if is_stopping():
                return await self._stop()
            self._recorder.give_back(self._lanes.overdue())
            if await self._may_find():
                await self._claim_more()
            self._start()
            await self._renew()

    async def _stop(self) -> None:
        """Gives back what has not begun. What is still under way then is due again by its lease."""
        self._recorder.give_back(self._lanes.clear_all())
        if self._posting:
            await asyncio.wait(self._posting, timeout=STOP_SECONDS)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._hungry.wait()
        except TimeoutError:
            pass

    async def _may_find(self) -> bool:
        """Whether there is a place, or a delivery, that there was not at the last claim."""
        if self._hungry.is_set() or time.monotonic() >= self._look_at:
            return True
        return self._may_claim and await in_database(waking.has_news)

    async def _claim(self) -> int:
        self._hungry.clear()
        room = CLAIMED - len(self._posting) - self._lanes.waiting
        quick, places = set(self._lanes.quick), self._lanes.places()
        may_claim = self._may_claim and room > 0
        jobs = await in_database(claims.claim, room, quick, places) if may_claim else []
        self._low = len(jobs) // 2
        self._look_at = 0.0 if jobs else time.monotonic() + LOOK_SECONDS
        self._lanes.add(jobs)
        self._start()
        return len(jobs)

    async def _claim_more(self) -> None:
        """With the database away, what is under way goes on."""
        try:
            await self._claim()
        except DatabaseError:
            logger.warning("deliveries_not_claimed")

    def _start(self) -> None:
        """Endpoints that never answer take places: of the second half each gets a few alone."""
        room = POSTS - len(self._posting)
        jobs = self._lanes.startable(max(0, room - POSTS // 2), AT_ONCE)
        jobs += self._lanes.startable(room - len(jobs), SCARCE)
        for job in jobs:
            task = asyncio.create_task(self._deliver(job))
            self._posting.add(task)
            task.add_done_callback(self._posting.discard)

    async def _deliver(self, job: Job | None) -> None:
        """One job, and then, in the same task, those that may follow."""
        while job:
            await self._attempt(job)
            job = self._lanes.following(job, is_full=len(self._posting) >= POSTS)
            if self._lanes.waiting < self._low:
                self._hungry.set()
        self._hungry.set()

    async def _attempt(self, job: Job) -> None:
        outcome = await posting.attempt(self._client, job)
        self._recorder.ended(outcome)
        self._lanes.answered(job.endpoint_id, outcome.duration)
        if not outcome.succeeded:
            self._recorder.give_back(self._lanes.clear(job.endpoint_id))

    async def _renew(self) -> None:
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            self._renewed = time.monotonic()
            self._client.close_idle()
            self._recorder.judge_again()
            self._may_claim = await in_database(waking.hold, self._name)

    async def _give_up(self) -> None:
        """What is under way when something breaks is dropped: leases bring it back."""
        self._recorder.abort()
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        self._client.close()


async def deliver() -> None:
    """Delivers what is due, unless another dispatcher is at it."""
    await Dispatcher().run()
