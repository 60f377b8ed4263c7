"""What comes while others are under way is seen at once, and no claim is made in vain for it."""

import threading
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from tests.waiting import wait_until
from tests.webhooks.conftest import MakeReceiver, dispatch, emit, make_endpoint
from tests.webhooks.receivers import late
from webhooks import claims, dispatcher, waking


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """By each claim: so many deliveries."""
    counts: list[int] = []
    claim = claims.claim

    def counted(*args: Any) -> list[claims.Job]:
        jobs = claim(*args)
        counts.append(len(jobs))
        return jobs

    monkeypatch.setattr(claims, "claim", counted)
    return counts


def test_an_event_while_another_is_under_way(
    account: User, make_receiver: MakeReceiver, found: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_SECONDS", 60)
    slow, well = make_receiver(late(2)), make_receiver()
    make_endpoint(account, slow.url, "document.created")
    make_endpoint(account, well.url, "chat.message")
    emit(account, type="document.created", data={"id": "doc_1"})

    def come_later() -> None:
        wait_until(lambda: found[-1:] == [0])
        emit(account)
        connection.close()

    coming = threading.Thread(target=come_later)
    coming.start()
    dispatch()
    coming.join()
    [request] = well.received
    assert request.at < slow.received[0].at + 2
    assert sum(found) == 2
    assert len(found) < 10


def test_who_is_at_work_is_told_once() -> None:
    waking.client().delete(waking.KEY, waking.NEWS)
    assert not waking.is_awake()  # asked for now
    assert not waking.has_news()
    assert waking.is_awake()
    assert (waking.has_news(), waking.has_news()) == (True, False)
    waking.client().delete(waking.KEY)
