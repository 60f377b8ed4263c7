"""What fails is tried again, ten times in three days, and as the receiver wishes."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from accounts.models import User
from tests.webhooks.conftest import (
    MakeReceiver,
    dispatch,
    emit,
    make_endpoint,
    only_delivery,
    pass_time,
    seconds_until_due,
)
from tests.webhooks.receivers import answer
from webhooks import schedule
from webhooks.models import Delivery, Endpoint

DAY = 86_400
SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]


def test_the_schedule() -> None:
    for tries, seconds in enumerate(SECONDS, start=1):
        delays = [schedule.delay_after(tries) or 0 for _ in range(200)]
        assert seconds * 0.8 <= min(delays) < seconds < max(delays) <= seconds * 1.2
    assert schedule.delay_after(10) is None


def test_ten_attempts_and_then_it_has_failed(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver(answer(500))
    make_endpoint(account, receiver.url)
    emit(account)
    for seconds in SECONDS:
        dispatch()
        assert 0.75 * seconds < seconds_until_due(only_delivery()) <= 1.2 * seconds
        dispatch()  # too early
        pass_time(seconds * 1.2)
    dispatch()
    delivery = only_delivery()
    assert (delivery.status, delivery.tries, delivery.next_attempt_at) == ("failed", 10, None)
    assert delivery.completed_at is not None
    assert delivery.attempts.count() == len(receiver.received) == 10
    pass_time(DAY)
    dispatch()
    assert len(receiver.received) == 10


def test_every_attempt_is_the_same_but_for_its_time(
    account: User, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver()
    receiver.next = [answer(500), answer(404)]
    make_endpoint(account, receiver.url)
    emit(account)
    for _ in range(3):
        dispatch()
        pass_time(1_000)
    assert len({request.body for request in receiver.received}) == 1
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert [attempt.status for attempt in only_delivery().attempts.all()] == [500, 404, 200]
    assert only_delivery().status == "succeeded"


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 119, 120),
        ("0", 3, 6),
        ("3", 3, 6),
        ("999999999999999999", DAY - 1, DAY),
        (timedelta(hours=1), 3_500, 3_600),
        (timedelta(hours=-1), 3, 6),
        ("soon", 3, 6),
        ("-5", 3, 6),
        ("²", 3, 6),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", 3, 6),
        ("Mon, 01 Jan 0001 00:00:00 +9999", 3, 6),
    ],
)
@pytest.mark.parametrize("status", [429, 500])
def test_retry_after(
    header: str | timedelta,
    least: int,
    most: int,
    status: int,
    account: User,
    make_receiver: MakeReceiver,
) -> None:
    if isinstance(header, timedelta):
        header = format_datetime(datetime.now(UTC) + header)
    receiver = make_receiver(answer(status, Retry_After=header))
    make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    assert least <= seconds_until_due(only_delivery()) <= most


def test_who_is_busy_is_left_alone_by_all(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver()
    receiver.next = [answer(503, Retry_After="60")]
    make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    emit(account)
    dispatch()
    assert len(receiver.received) == 1
    pass_time(61)
    dispatch()
    assert len(receiver.received) == 3


def test_gone_disables(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver(answer(410))
    endpoint = make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")
    assert only_delivery().status == "failed"
    emit(account)
    dispatch()
    assert Delivery.objects.count() == len(receiver.received) == 1


def test_five_days_of_failure_disable(account: User, make_receiver: MakeReceiver) -> None:
    endpoint = make_endpoint(account, make_receiver(answer(500)).url)
    emit(account)
    dispatch()
    pass_time(5 * DAY - 100)
    dispatch()
    endpoint.refresh_from_db()
    assert endpoint.enabled
    pass_time(1_000)
    dispatch()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failing")


def test_a_success_in_between_begins_the_five_days_anew(
    account: User, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver(answer(500))
    endpoint = make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    pass_time(4 * DAY)
    receiver.next = [answer(200)]
    dispatch()
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since, endpoint.paused_until) == (0, None, None)
    pass_time(2 * DAY)
    emit(account)
    dispatch()
    endpoint.refresh_from_db()
    assert endpoint.enabled


def test_attempts_side_by_side_are_one_failure(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver(answer(500))
    endpoint = make_endpoint(account, receiver.url)
    emit(account, 20)
    dispatch()
    endpoint.refresh_from_db()
    assert len(receiver.received) == 20
    assert endpoint.failures <= 3


def test_the_breaker_lets_it_rest(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver(answer(500))
    endpoint = make_endpoint(account, receiver.url)
    for _ in range(schedule.ROUNDS):
        emit(account)
        dispatch()
        Delivery.objects.update(status="failed")
    before = len(receiver.received)
    emit(account, 50)
    dispatch()
    assert len(receiver.received) == before  # it rests
    pass_time(schedule.FIRST_PAUSE + 1)
    dispatch()
    assert len(receiver.received) == before + 1  # one, to see how it is
    endpoint.refresh_from_db()
    assert endpoint.failures == schedule.ROUNDS + 1
    receiver.behaviour = answer(200)
    pass_time(2 * schedule.FIRST_PAUSE + 1)
    dispatch()
    assert len(receiver.received) == before + 51
    assert Endpoint.objects.get().failures == 0


def test_the_pauses_have_an_end(account: User, make_receiver: MakeReceiver) -> None:
    make_endpoint(account, make_receiver(answer(500)).url)
    Endpoint.objects.update(failures=10_000)
    emit(account)
    dispatch()
    endpoint = Endpoint.objects.get()
    assert endpoint.paused_until and endpoint.failed_at
    rest = (endpoint.paused_until - endpoint.failed_at).total_seconds()
    assert rest == schedule.LONGEST_PAUSE
