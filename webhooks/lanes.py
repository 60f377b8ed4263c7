"""A lane for each endpoint: what waits for it, how much is under way. None holds up another."""

import time
from collections import Counter, deque
from collections.abc import Iterable
from uuid import UUID

from webhooks.claims import PER_OWNER, START_SECONDS, Job
from webhooks.schedule import AT_ONCE

QUICK_SECONDS = 0.1
SCARCE = 2  # posts at once to an endpoint, while there is little room for all


class Lane:
    def __init__(self, owner_id: UUID) -> None:
        self.owner_id = owner_id
        self.waiting: deque[tuple[float, Job]] = deque()  # with when it has to have begun
        self.running = 0
        self.served_at = 0.0


class Lanes:
    def __init__(self) -> None:
        self._lanes: dict[UUID, Lane] = {}
        self._running: Counter[UUID] = Counter()  # of each account
        self.waiting = 0  # in all lanes
        self.quick: set[UUID] = set()  # endpoints whose latest answer has been

    def add(self, jobs: Iterable[Job]) -> None:
        latest = time.monotonic() + START_SECONDS
        for job in jobs:
            lane = self._lanes.setdefault(job.endpoint_id, Lane(job.owner_id))
            lane.waiting.append((latest, job))
            self.waiting += 1

    def startable(self, limit: int, at_once: int = AT_ONCE) -> list[Job]:
        """At most `limit` jobs to begin now, `at_once` of each lane and PER_OWNER of each account
        at most, the lanes taking turns: first those whose account has the least under way.

        They count as running.
        """
        jobs: list[Job] = []
        turn = sorted([lane for lane in self._lanes.values() if lane.waiting], key=self._rank)
        while turn and len(jobs) < limit:
            turn = [lane for lane in turn if lane.running < at_once and self._may_begin(lane)]
            for lane in turn[: limit - len(jobs)]:
                if self._may_begin(lane):
                    jobs.append(self._begun(lane))
        return jobs

    def _rank(self, lane: Lane) -> tuple[int, int, float]:
        return self._running[lane.owner_id], lane.running, lane.served_at

    def _may_begin(self, lane: Lane) -> bool:
        return bool(lane.waiting) and self._running[lane.owner_id] < PER_OWNER

    def following(self, job: Job, *, is_full: bool) -> Job | None:
        """What may begin in the place of `job`, which has ended: the next in its lane, unless there
        is no room (`is_full`), or its account has no more, and others wait."""
        lane = self._lanes[job.endpoint_id]
        is_scarce = is_full or self._running[lane.owner_id] >= PER_OWNER
        lane.running -= 1
        self._running[lane.owner_id] -= 1
        if is_scarce and self.waiting > len(lane.waiting):
            found = self.startable(1, SCARCE if is_full else AT_ONCE)
        else:
            found = [self._begun(lane)] if lane.waiting else []
        self._forget_idle(job.endpoint_id)
        return found[0] if found else None

    def _forget_idle(self, endpoint_id: UUID) -> None:
        lane = self._lanes[endpoint_id]
        if not lane.running and not lane.waiting:
            del self._lanes[endpoint_id]
        if not self._running[lane.owner_id]:
            del self._running[lane.owner_id]

    def _begun(self, lane: Lane) -> Job:
        lane.running += 1
        lane.served_at = time.monotonic()
        self._running[lane.owner_id] += 1
        self.waiting -= 1
        return lane.waiting.popleft()[1]

    def places(self) -> dict[UUID, int]:
        """How many more of an account may be claimed for endpoints that are not quick."""
        held = Counter(self._running)
        for endpoint_id, lane in self._lanes.items():
            if endpoint_id not in self.quick:
                held[lane.owner_id] += len(lane.waiting)
        return {owner_id: max(0, PER_OWNER - count) for owner_id, count in held.items()}

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
        self._forget_idle(endpoint_id)
        return jobs

    def clear_all(self) -> list[Job]:
        return [job for endpoint_id in list(self._lanes) for job in self.clear(endpoint_id)]

    def overdue(self) -> list[Job]:
        """Takes back all that has waited too long for its turn: its endpoint is quick no more."""
        now, jobs = time.monotonic(), []
        for endpoint_id, lane in list(self._lanes.items()):
            if lane.waiting and lane.waiting[0][0] < now:
                jobs += self.clear(endpoint_id)
        return jobs
