"""A lane for each endpoint: what waits for it, how much is under way. None holds up another."""

import time
from collections import deque
from collections.abc import Iterable
from uuid import UUID

from webhooks.claims import START_SECONDS, Job
from webhooks.schedule import AT_ONCE

QUICK_SECONDS = 0.1
SCARCE = 2  # posts at once to an endpoint, while there is little room for all


class Lane:
    def __init__(self) -> None:
        self.waiting: deque[tuple[float, Job]] = deque()  # with when it has to have begun
        self.running = 0


class Lanes:
    def __init__(self) -> None:
        self._lanes: dict[UUID, Lane] = {}
        self.waiting = 0  # in all lanes
        self.quick: set[UUID] = set()  # endpoints whose latest answer has been

    def add(self, jobs: Iterable[Job]) -> None:
        latest = time.monotonic() + START_SECONDS
        for job in jobs:
            self._lanes.setdefault(job.endpoint_id, Lane()).waiting.append((latest, job))
            self.waiting += 1

    def startable(self, limit: int, at_once: int = AT_ONCE) -> list[Job]:
        """At most `limit` jobs to begin now, the lanes taking turns, `at_once` of each at most.

        They count as running.
        """
        jobs: list[Job] = []
        turn = [lane for lane in self._lanes.values() if lane.waiting]
        while turn and len(jobs) < limit:
            turn = [lane for lane in turn if lane.waiting and lane.running < at_once]
            for lane in turn[: limit - len(jobs)]:
                lane.running += 1
                jobs.append(self._taken(lane))
        return jobs

    def following(self, job: Job) -> Job | None:
        """What may begin in the place of `job`, which has ended."""
        lane = self._lanes[job.endpoint_id]
        if lane.waiting:
            return self._taken(lane)
        lane.running -= 1
        if not lane.running:
            del self._lanes[job.endpoint_id]
        return None

    def _taken(self, lane: Lane) -> Job:
        self.waiting -= 1
        return lane.waiting.popleft()[1]

    def answered(self, endpoint_id: UUID, seconds: float) -> None:
        """An endpoint that has just become quick is worth claiming more for."""
        if seconds < QUICK_SECONDS:
            self.quick.add(endpoint_id)
        else:
            self.quick.discard(endpoint_id)

    def clear(self, endpoint_id: UUID) -> list[Job]:
        """Takes back all that waits in this lane: its endpoint is not well."""
        self.quick.discard(endpoint_id)
        lane = self._lanes[endpoint_id]
        jobs = [job for _, job in lane.waiting]
        lane.waiting.clear()
        self.waiting -= len(jobs)
        return jobs

    def clear_all(self) -> list[Job]:
        return [job for endpoint_id in self._lanes for job in self.clear(endpoint_id)]

    def overdue(self) -> list[Job]:
        """Takes back all that has waited too long for its turn: its endpoint is quick no more."""
        now, jobs = time.monotonic(), []
        for endpoint_id, lane in self._lanes.items():
            if lane.waiting and lane.waiting[0][0] < now:
                jobs += self.clear(endpoint_id)
        return jobs
