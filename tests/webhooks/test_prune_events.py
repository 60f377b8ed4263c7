"""Events, deliveries and attempts go after 30 days; owners hear of endpoints that were disabled."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any, ClassVar

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction

from accounts.models import User
from chatbot_project.api.ids import uuid7
from tests.webhooks.conftest import SAID, make_endpoint
from webhooks import events, notices, retention, services
from webhooks.models import Attempt, Delivery, Endpoint, Event


def make_old(owner: User, days: float) -> Event:
    """An event of then, with a delivery and an attempt."""
    events.emit("chat.message", owner, SAID)
    made = Event.objects.latest("id")
    then = datetime.now(UTC) - timedelta(days=days)
    id = retention.first_id(then).int | (uuid7().int & (2**80 - 1))
    old = Event.objects.create(id=type(made.id)(int=id), owner=owner, type=made.type, body="{}")
    delivery = made.deliveries.get()
    delivery.event = old
    delivery.save()
    Attempt.objects.create(delivery=delivery, started_at=then, duration=1, status=200)
    made.delete()
    return old


def test_thirty_days(owner: User) -> None:
    assert settings.WEBHOOK_RETENTION_DAYS == 30
    make_endpoint(owner, "https://app.example/")
    make_old(owner, 31)
    kept = make_old(owner, 29)
    assert retention.prune() == 1
    assert [event.id for event in Event.objects.all()] == [kept.id]
    assert Delivery.objects.count() == Attempt.objects.count() == 1


@pytest.mark.parametrize("what", ["redeliver", "recover"])
def test_of_a_delivery_that_is_sent_again_the_latest_attempts_stay(
    what: str, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert retention.KEPT_ATTEMPTS == 100
    monkeypatch.setattr(retention, "KEPT_ATTEMPTS", 3)
    endpoint = make_endpoint(owner, "https://app.example/")
    made: list[list[Attempt]] = []
    for count in (5, 3, 1):
        event = make_old(owner, 1)
        event.deliveries.get().attempts.all().delete()
        fields = {"delivery": event.deliveries.get(), "started_at": datetime.now(UTC)}
        made.append([Attempt.objects.create(duration=1, **fields) for _ in range(count)])
    if what == "recover":
        Delivery.objects.update(status="failed")
        assert services.recover(endpoint, datetime.now(UTC) - timedelta(days=2)) == 3
    for delivery in Delivery.objects.all() if what == "redeliver" else ():
        services.redeliver(delivery)
    kept = {attempt for attempts in made for attempt in attempts[-3:]}
    assert {*Attempt.objects.all()} == kept


def test_in_batches(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    make_endpoint(owner, "https://app.example/")
    for _ in range(5):
        make_old(owner, 31)
    assert retention.prune() == 5
    assert Event.objects.count() == 0


def test_what_is_being_sent_stays(owner: User) -> None:
    make_endpoint(owner, "https://app.example/")
    old = make_old(owner, 31)
    old.deliveries.update(claim=uuid7(), next_attempt_at=datetime.now(UTC) + timedelta(seconds=9))
    assert retention.prune() == 0
    old.deliveries.update(next_attempt_at=datetime.now(UTC) - timedelta(seconds=9))
    assert retention.prune() == 1  # whoever claimed it has died


@pytest.mark.parametrize("reason", ["gone", "failing"])
def test_the_owner_is_told_once(owner: User, reason: str, mailoutbox: list[Any]) -> None:
    endpoint = make_endpoint(owner, "https://app.example/hook?a=1&b=2")
    now = datetime.now(UTC)
    endpoint.enabled, endpoint.disabled_reason, endpoint.disabled_at = False, reason, now
    endpoint.save()
    assert (notices.tell_owners(), notices.tell_owners()) == (1, 0)
    [message] = mail.outbox
    assert message.to == [owner.email]
    assert endpoint.url in message.body
    assert endpoint.public_id in message.body


def test_who_has_disabled_it_knows(owner: User, mailoutbox: list[Any]) -> None:
    make_endpoint(owner, "https://app.example/", enabled=False)
    assert notices.tell_owners() == 0


class Picky(EmailBackend):
    """Refuses one address."""

    error: Exception

    def send_messages(self, messages: Any) -> int:
        if messages[0].to == ["owner@example.com"]:
            raise self.error
        return int(super().send_messages(messages) or 0)


def recipient_refused(code: int) -> SMTPRecipientsRefused:
    return SMTPRecipientsRefused({"owner@example.com": (code, b"No.")})


@pytest.mark.parametrize(
    ("error", "hours", "again"),
    [
        (recipient_refused(550), 0, False),
        (SMTPDataError(554, "Spam."), 0, False),
        (recipient_refused(451), 0, True),
        (SMTPDataError(451, "Later."), 23, True),
        (recipient_refused(451), 25, False),
    ],
)
def test_a_refused_mail_stands_in_nobodys_way(
    error: Exception,
    hours: int,
    again: bool,
    owner: User,
    stranger: User,
    mailoutbox: list[Any],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Picky"
    monkeypatch.setattr(Picky, "error", error, raising=False)
    for account in (owner, stranger):
        make_endpoint(account, "https://app.example/")
        Endpoint.objects.filter(owner=account).update(
            disabled_reason="gone", disabled_at=datetime.now(UTC) - timedelta(hours=hours)
        )
    assert notices.tell_owners() == 1
    assert [message.to for message in mail.outbox] == [[stranger.email]]
    assert (Endpoint.objects.get(owner=owner).owner_told_at is None) == again


class Looking(EmailBackend):
    """Sees whether others can have the endpoint while a mail is sent, and whether they send it."""

    seen: ClassVar[list[int]] = []

    def send_messages(self, messages: Any) -> int:
        with ThreadPoolExecutor(1) as thread:
            self.seen.append(thread.submit(self.look).result(10))
        return int(super().send_messages(messages) or 0)

    def look(self) -> int:
        try:
            with transaction.atomic():
                Endpoint.objects.select_for_update(nowait=True).get()
            return notices.tell_owners()
        finally:
            connection.close()


def make_gone(owner: User) -> Endpoint:
    endpoint = make_endpoint(owner, "https://app.example/")
    endpoint.disabled_reason, endpoint.disabled_at = "gone", datetime.now(UTC)
    endpoint.save()
    return endpoint


def test_nothing_is_locked_while_a_mail_is_sent(
    account: User, mailoutbox: list[Any], settings: Any
) -> None:
    make_gone(account)
    settings.EMAIL_BACKEND = f"{__name__}.Looking"
    Looking.seen.clear()
    assert (notices.tell_owners(), notices.tell_owners()) == (1, 0)
    assert (Looking.seen, len(mail.outbox)) == ([0], 1)


def test_a_mail_whose_sender_has_died_is_sent_later(
    owner: User, mailoutbox: list[Any], settings: Any
) -> None:
    make_gone(owner)
    later = datetime.now(UTC) + notices.LEASE
    Endpoint.objects.update(mailing_until=later)
    assert notices.tell_owners() == 0
    Endpoint.objects.update(mailing_until=later - 2 * notices.LEASE)
    assert notices.tell_owners() == 1


def test_a_mail_that_is_not_sent_is_sent_later(owner: User, settings: Any) -> None:
    endpoint = make_gone(owner)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(OSError):
        notices.tell_owners()
    endpoint.refresh_from_db()
    assert (endpoint.owner_told_at, endpoint.mailing_until) == (None, None)
