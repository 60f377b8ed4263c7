"""An endpoint that never answers holds up nobody else."""

import statistics
import threading
from typing import Any

from django.db import connection

from accounts.models import User
from tests.webhooks.conftest import MakeReceiver, dispatch, emit, make_endpoint
from tests.webhooks.receivers import Receiver, answer, held
from webhooks import schedule
from webhooks.models import Delivery

EVENTS = 200
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
    settings.WEBHOOK_TIMEOUT = TIMEOUT
    well, dead = make_receiver(), make_receiver()
    make_endpoint(account, well.url)
    emit(account, EVENTS)
    dispatch()
    alone = statistics.median(delays(well))
    well.received.clear()
    make_endpoint(account, dead.url)
    emit(account, EVENTS)
    had = dispatch_until(well, EVENTS, dead)
    beside = statistics.median(delays(well))
    assert len(well.received) == EVENTS
    assert beside < 2 * alone + TIMEOUT / 10  # who waits for the other waits for TIMEOUT
    assert had == schedule.AT_ONCE


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
    emit(account, schedule.AT_ONCE)
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
