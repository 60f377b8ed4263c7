"""The webhooks bench's hands in the database. Import it once Django is set up."""

import asyncio
import statistics
import time
from datetime import timedelta
from typing import Any

import aiohttp
from django.core.management import call_command
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from webhooks import claims, events, services, signing, waking
from webhooks.models import Delivery, Endpoint, Event, Status

SECRET = b"your_webhook_secret"
JSON = {"Content-Type": "application/json"}
BATCH = 500  # events in a transaction
IDLE_SECONDS = 0.1  # nobody at work for so long


def prepare(url: str) -> User:
    call_command("migrate", verbosity=0)
    account = User.objects.create_user("bench@localhost")
    services.create_endpoint(account, url=url, events=["*"], secret=SECRET.decode())
    return account


def emit(account: User, data: dict[str, Any], count: int) -> float:
    """`count` events, committed. Returns when, in seconds since 1970."""
    committed: list[float] = []
    for first in range(0, count, BATCH):
        with transaction.atomic():
            # Before the events, so that it comes before the call of a worker.
            transaction.on_commit(lambda: committed.append(time.time()))
            for _ in range(min(BATCH, count - first)):
                events.emit("chat.message", account, data)
    return committed[-1]


def claim_ms(times: int) -> float:
    """The median of claims that are taken back, of endpoints that are known to be quick."""
    taken, quick = [], list(Endpoint.objects.values_list("pk", flat=True))
    for _ in range(times):
        with transaction.atomic():
            began = time.perf_counter()
            claims.claim(100, quick)
            taken.append(time.perf_counter() - began)
            transaction.set_rollback(True)
    return statistics.median(taken) * 1000


def make_wait(account: User, count: int) -> None:
    """So many endpoints, each with a delivery that is not due yet, as all others are."""
    first = Endpoint.objects.filter(owner=account)[0]
    fields = {"owner": account, "events": first.events, "secret": first.secret}
    Endpoint.objects.bulk_create(Endpoint(url=first.url, **fields) for _ in range(count - 1))
    emit(account, {}, 1)
    Delivery.objects.filter(status=Status.PENDING).update(
        claim=None, next_attempt_at=Now() + timedelta(hours=1)
    )


def wait_until_idle() -> None:
    """Until no dispatcher is at work, as if the last event had been long ago."""
    idle_since = time.monotonic()
    while time.monotonic() - idle_since < IDLE_SECONDS:
        if waking.client().exists(waking.KEY):
            idle_since = time.monotonic()
        time.sleep(0.01)


def bodies() -> list[tuple[str, bytes]]:
    found = Event.objects.values_list("id", "body")
    return [(id.hex, body.encode()) for id, body in found]


def emit_ms(count: int) -> float:
    """What an event costs an account without endpoints, in milliseconds."""
    account = User.objects.create_user("nobody@localhost")
    with transaction.atomic():
        began = time.perf_counter()
        for _ in range(count):
            events.emit("chat.message", account, {"content": "Hello"})
        return (time.perf_counter() - began) / count * 1000


def signed(id: str, body: bytes) -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": signing.signatures(id, now, body, [SECRET]),
    }


async def aiohttp_rate(port: int, messages: list[tuple[str, bytes]], connections: int) -> float:
    """The same with aiohttp's client."""
    left = iter(messages)
    url = f"http://localhost:{port}/hook"

    async def post(session: aiohttp.ClientSession) -> None:
        for id, body in left:
            headers = signed(id, body)
            async with session.post(url, data=body, headers={**headers, **JSON}) as answer:
                assert answer.status == 200
                await answer.read()

    began = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(post(session) for _ in range(connections)))
    return len(messages) / (time.perf_counter() - began)


async def bare_rate(port: int, messages: list[tuple[str, bytes]], connections: int) -> float:
    """Posts a second of a loop that does nothing but sign and post."""
    left = iter(messages)

    async def post() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for id, body in left:
            headers = signed(id, body)
            lines = ["POST /hook HTTP/1.1", f"Host: localhost:{port}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readexactly(2)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(post() for _ in range(connections)))
    return len(messages) / (time.perf_counter() - began)
