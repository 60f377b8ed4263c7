"""Whether what an answer needs is there: the database, Redis, a language model, a worker."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar
from urllib.parse import urlsplit

import psycopg
import redis.asyncio
from django.conf import settings
from django.db import connection
from redis.exceptions import RedisError

from chatbot_project.site.tasks import WORKER_SEEN

LIMIT = 1.0  # seconds for each check
FRESH = 3.0  # seconds for which an answer is kept

Check = Callable[[], Awaitable[bool]]


async def database_answers() -> bool:
    """On a connection of its own: a busy pool is not a database that is down."""
    parameters = {**connection.get_connection_params(), "connect_timeout": 1}
    parameters = {name: value for name, value in parameters.items() if name in CONNECTION_FIELDS}
    async with await psycopg.AsyncConnection.connect(**parameters) as connected:
        await connected.execute("SELECT 1")
    return True


CONNECTION_FIELDS = {"dbname", "user", "password", "host", "port", "connect_timeout", "sslmode"}


async def redis_answers() -> bool:
    async with redis.asyncio.from_url(settings.REDIS_URL) as client:
        return bool(await client.ping())


async def model_answers() -> bool:
    """Somebody listens at OPENAI_BASE_URL. Asking for more could cost money or a rate limit."""
    address = urlsplit(settings.OPENAI_BASE_URL or "https://api.openai.com/v1")
    port = address.port or (443 if address.scheme == "https" else 80)
    _, writer = await asyncio.open_connection(address.hostname, port)
    writer.close()
    return True


async def worker_answers() -> bool:
    """A worker has lately done what beat asks of it every few seconds."""
    async with redis.asyncio.from_url(settings.REDIS_URL) as client:
        return await client.get(WORKER_SEEN) is not None


CHECKS: dict[str, Check] = {
    "database": database_answers,
    "redis": redis_answers,
    "model": model_answers,
    "worker": worker_answers,
}


class Kept:
    """The last report of this process, so that probes cost nothing however often they come."""

    report: ClassVar[dict[str, Any]] = {}
    until = 0.0


async def readiness() -> dict[str, Any]:
    """`{"status": "ok" | "degraded" | "down", "checks": {"database": "ok", ...}}`"""
    if time.monotonic() < Kept.until:
        return Kept.report
    results = await asyncio.gather(*(passes(check) for check in CHECKS.values()))
    checks = {name: "ok" if fine else "down" for name, fine in zip(CHECKS, results, strict=True)}
    status = "ok" if all(results) else "degraded"
    if checks["database"] == "down":
        status = "down"
    Kept.report = {"status": status, "checks": checks}
    Kept.until = time.monotonic() + FRESH
    return Kept.report


async def passes(check: Check) -> bool:
    try:
        return await asyncio.wait_for(check(), LIMIT)
    except (OSError, psycopg.Error, RedisError, TimeoutError):
        return False
