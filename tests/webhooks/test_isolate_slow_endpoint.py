"""An endpoint that never answers holds up nobody else."""

import socket
import statistics
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from accounts.models import User
from tests.waiting import wait_until
from tests.webhooks.conftest import MakeReceiver, dispatch, emit, make_endpoint
from tests.webhooks.receivers import Receiver, answer, held
from webhooks import addresses, claims, dispatcher, health
from webhooks.claims import PER_OWNER, Job
from webhooks.lanes import Lanes
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.schedule import AT_ONCE

EVENTS = 100  # in each of
ROUNDS = 6
TIMEOUT = 10.0  # so much more than anything else takes, however busy the machine


def delays(receiver: Receiver) -> list[float]:
    """Seconds from each event to its arrival."""
    created = {
        delivery.event.public_id: delivery.event.created_at.timestamp()
        for delivery in Delivery.objects.select_related("event")
    }
    return [
        request.at - created[request.headers["webhook-id"]]
        for request in receiver.received
        if request.headers["webhook-id"] in created
    ]


def dispatch_until(well: Receiver, count: int, dead: Receiver) -> int:
    """Delivers; `dead` does not answer until `well` has `count`. How many `dead` had by then."""
    enough, had = threading.Event(), []
    dead.behaviour = held(enough, answer(500))

    def release() -> None:
        try:
            well.wait_for(count, 2 * TIMEOUT)
            had.append(len(dead.received))
        finally:
            enough.set()

    releasing = threading.Thread(target=release)
    releasing.start()
    dispatch()
    releasing.join()
    return had[0]


def test_the_other_is_as_quick(account: User, make_receiver: MakeReceiver, settings: Any) -> None:
    """Than beside one that answers, in turns: both have the same share of a busy machine."""
    settings.WEBHOOK_TIMEOUT = TIMEOUT
    well, other = make_receiver(), make_receiver()
    make_endpoint(account, well.url)
    sick = make_endpoint(account, other.url)
    while_well, while_dead = [], []
    for _ in range(ROUNDS):
        well.received.clear()
        other.behaviour = answer()
        emit(account, EVENTS)
        dispatch()
        while_well.append(statistics.median(delays(well)))
        well.received.clear()
        other.received.clear()
        emit(account, EVENTS)
        assert dispatch_until(well, EVENTS, other) == AT_ONCE
        while_dead.append(statistics.median(delays(well)))
        assert len(well.received) == EVENTS
        sick.deliveries.all().delete()
        Endpoint.objects.filter(pk=sick.pk).update(**health.WELL)
    # The best round of each tells what it takes, and the others what else this machine does.
    assert min(while_dead) < 1.5 * min(while_well) + 0.02


def test_a_long_queue_of_one_does_not_stand_before_another(
    account: User, make_account: Any, make_receiver: MakeReceiver
) -> None:
    busy, other = make_receiver(), make_receiver()
    stranger = make_account().user
    make_endpoint(account, busy.url)
    make_endpoint(stranger, other.url)
    emit(account, 2_000)
    emit(stranger)
    dispatch()
    assert len(busy.received) == 2_000
    earlier = [request for request in busy.received if request.at < other.received[0].at]
    assert len(earlier) < 500


def test_thirty_that_never_answer_leave_room_for_one_that_does(
    account: User, make_account: Any, make_receiver: MakeReceiver, settings: Any
) -> None:
    settings.WEBHOOK_TIMEOUT = TIMEOUT
    dead, well = make_receiver(), make_receiver()
    for number in range(30):
        make_endpoint(account, f"{dead.url}/{number}")
    emit(account, AT_ONCE)
    stranger = make_account().user
    make_endpoint(stranger, well.url)

    def come_later() -> None:
        dead.wait_for(100)
        emit(stranger, 20)
        connection.close()

    coming = threading.Thread(target=come_later)
    coming.start()
    dispatch_until(well, 20, dead)
    coming.join()
    assert max(delays(well)) < TIMEOUT / 2


def make_many(owner: User, url: str, count: int) -> None:
    """`url` has a place for a number."""
    first = make_endpoint(owner, url.format(0))
    fields = {"owner": owner, "events": first.events, "secret": first.secret}
    urls = [url.format(number) for number in range(1, count)]
    Endpoint.objects.bulk_create([Endpoint(url=each, **fields) for each in urls])


def test_two_accounts_with_many_slow_endpoints_leave_room_for_a_third(
    account: User, make_account: Any, make_receiver: MakeReceiver, settings: Any
) -> None:
    settings.WEBHOOK_TIMEOUT = TIMEOUT
    slow, well = make_receiver(), make_receiver()
    third = make_account().user
    for owner in (account, make_account().user):
        make_many(owner, f"{slow.url}/{{}}", 100)
        emit(owner, 5)
    make_endpoint(third, well.url)

    def come_later() -> None:
        slow.wait_for(2 * PER_OWNER)
        emit(third, 20)
        connection.close()

    coming = threading.Thread(target=come_later)
    coming.start()
    assert dispatch_until(well, 20, slow) == 2 * PER_OWNER
    coming.join()
    assert max(delays(well)) < TIMEOUT / 2


class SlowNames:
    """Look-ups of names in `slow.example` find nothing, and that only once the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.enough = threading.Event()
        self._look_up = socket.getaddrinfo

    def look_up(self, host: Any, *args: Any, **kwargs: Any) -> Any:
        if not host.endswith("slow.example"):
            return self._look_up(host, *args, **kwargs)
        self.asked.append(host)
        self.enough.wait(3 * TIMEOUT)
        raise socket.gaierror


@pytest.fixture
def slow_names() -> Iterator[SlowNames]:
    names = SlowNames()
    yield names
    names.enough.set()
    wait_until(lambda: not addresses._under_way)


def test_two_accounts_with_many_slow_names_leave_room_for_a_third(
    account: User,
    make_account: Any,
    make_receiver: MakeReceiver,
    slow_names: SlowNames,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert addresses.LOOKUPS > dispatcher.POSTS
    settings.WEBHOOK_TIMEOUT = TIMEOUT
    well, third = make_receiver(), make_account().user
    for letter, owner in {"a": account, "b": make_account().user}.items():
        make_many(owner, f"https://{letter}{{}}.slow.example/", 100)
        emit(owner)
    make_endpoint(third, well.url)
    monkeypatch.setattr(socket, "getaddrinfo", slow_names.look_up)

    def come_later() -> None:
        try:
            wait_until(lambda: len(slow_names.asked) == 2 * PER_OWNER)
            emit(third, 20)
            well.wait_for(20, TIMEOUT)
        finally:
            slow_names.enough.set()
            connection.close()

    coming = threading.Thread(target=come_later)
    coming.start()
    dispatch()
    coming.join()
    assert len(well.received) == 20
    assert max(delays(well)) < TIMEOUT / 2


def test_nobody_is_blamed_for_a_look_up_that_never_began(
    account: User,
    make_receiver: MakeReceiver,
    slow_names: SlowNames,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.WEBHOOK_TIMEOUT = 0.3
    make_many(account, "https://{}.slow.example/", 2)
    emit(account)
    monkeypatch.setattr(socket, "getaddrinfo", slow_names.look_up)
    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr(addresses, "_threads", threads)
        dispatch()
        slow_names.enough.set()
    found = Attempt.objects.values_list("error", "delivery__endpoint__failures")
    assert sorted(found) == [("internal", 0), ("timeout", 1)]


def test_accounts_take_turns_in_what_is_claimed(account: User, make_account: Any) -> None:
    stranger = make_account().user
    make_many(account, "https://many.example/{}", 60)
    make_endpoint(stranger, "https://one.example/")
    emit(account, 5)
    emit(stranger, 5)
    with transaction.atomic():
        owners = [job.owner_id for job in claims.claim(10)]
        assert owners.count(stranger.pk) == 5
        transaction.set_rollback(True)
    with transaction.atomic():
        jobs = [job for job in claims.claim(1000) if job.owner_id == account.pk]
        assert len({job.endpoint_id for job in jobs}) == len(jobs) == 60
        transaction.set_rollback(True)
    jobs = claims.claim(1000, places={account.pk: 7})
    assert [job.owner_id for job in jobs].count(account.pk) == 7


def job_of(owner: UUID, endpoint: UUID) -> Job:
    now = datetime.now(UTC)
    return Job(uuid4(), uuid4(), 0, now, uuid4(), "", endpoint, owner, "", b"", "[]", False)


def test_a_place_goes_to_who_has_least_once_all_are_taken() -> None:
    lanes, owners = Lanes(), [uuid4() for _ in range(3)]
    endpoints = {owner: [uuid4() for _ in range(60)] for owner in owners[:2]}
    lanes.add(job_of(owner, each) for owner in endpoints for each in endpoints[owner] * 5)
    begun = lanes.startable(400)
    assert Counter(job.owner_id for job in begun) == dict.fromkeys(owners[:2], PER_OWNER)
    same = lanes.following(begun[0], is_full=False)  # of its account, which has no more places
    assert same and same.owner_id == begun[0].owner_id
    late = job_of(owners[2], uuid4())
    lanes.add([late])
    assert lanes.following(begun[1], is_full=True) == late
    assert lanes.following(late, is_full=True) != late


def test_a_place_stays_in_its_lane_while_there_is_room() -> None:
    lanes, owner, endpoints = Lanes(), uuid4(), [uuid4(), uuid4()]
    lanes.add(job_of(owner, each) for each in endpoints * 3)
    first = lanes.startable(2)[0]
    following = lanes.following(first, is_full=False)
    assert following and following.endpoint_id == first.endpoint_id
