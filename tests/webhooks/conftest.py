"""Receivers that may be private, and the loop that delivers to them, run by the test itself."""

import asyncio
import fcntl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from tests.live import LiveAccount
from tests.servers import PROJECT
from tests.webhooks.receivers import Receiver, receiver
from webhooks import dispatcher, events, services
from webhooks.models import Delivery, Endpoint, Event

JAVASCRIPT = PROJECT / "tests" / "javascript"
SECRET = "your_webhook_secret"
MakeReceiver = Callable[..., Receiver]
DATA = {"chat_id": "chat_1", "message_id": "msg_1", "user_id": "user_1"}
SAID = {**DATA, "content": "Hello, world!", "role": "user"}


@pytest.fixture
def make_receiver(settings: Any) -> Iterator[MakeReceiver]:
    """`make_receiver(behaviour)`: a server that endpoints may name."""
    settings.WEBHOOK_ALLOWED_HOSTS = []
    with ExitStack() as stack:

        def make(behaviour: Any = None, tls: Any = None) -> Receiver:
            server = stack.enter_context(receiver(tls))
            server.behaviour = behaviour or server.behaviour
            settings.WEBHOOK_ALLOWED_HOSTS = [*settings.WEBHOOK_ALLOWED_HOSTS, server.host]
            return server

        yield make


def make_endpoint(owner: User, url: str, *types: str, **fields: Any) -> Endpoint:
    """All events, unless told otherwise; SECRET."""
    given = {"secret": SECRET, **fields}
    return services.create_endpoint(owner, url=url, events=[*types] or ["*"], **given)[0]


def emit(owner: User, count: int = 1, type: str = "chat.message", data: Any = SAID) -> None:
    """`count` events, committed."""
    with transaction.atomic():
        for _ in range(count):
            events.emit(type, owner, data)


def dispatch() -> None:
    """Delivers what is due, as a worker does."""
    asyncio.run(dispatcher.deliver())


def pass_time(seconds: float) -> None:
    """What the clock would do to what waits for it."""
    waited = timedelta(seconds=seconds)
    for delivery in Delivery.objects.filter(status="pending"):
        if delivery.next_attempt_at:
            Delivery.objects.filter(pk=delivery.pk).update(
                next_attempt_at=delivery.next_attempt_at - waited
            )
    for endpoint in Endpoint.objects.all():
        for name in ("paused_until", "failing_since", "failed_at"):
            if moment := getattr(endpoint, name):
                Endpoint.objects.filter(pk=endpoint.pk).update(**{name: moment - waited})


def seconds_until_due(delivery: Delivery) -> float:
    """By the database's clock."""
    found = Delivery.objects.annotate(now=Now()).get(pk=delivery.pk)
    return (found.next_attempt_at - found.now).total_seconds()


def only_delivery() -> Delivery:
    return Delivery.objects.select_related("event").get()


@pytest.fixture
def account(live_owner: LiveAccount) -> Iterator[User]:
    """With committed rows. Nothing of webhooks is left of another test."""
    Event.objects.all().delete()
    yield live_owner.user


@pytest.fixture(scope="session")
def javascript_library() -> None:
    """Installed where package.json says, unless it is there; by one process at a time."""
    with (JAVASCRIPT / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (JAVASCRIPT / "node_modules" / "standardwebhooks").exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(command, cwd=JAVASCRIPT, check=True, timeout=120)
