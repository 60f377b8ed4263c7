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
FOR_PSYCOPG = {"autocommit", "context", "cursor_factory", "prepare_threshold", "row_factory"}

Check = Callable[[], Awaitable[bool]]


async def database_answers() -> bool:
    """On a connection of its own: a busy pool is not a database that is down."""
    async with await psycopg.AsyncConnection.connect(**libpq_parameters()) as connected:
        await connected.execute("SELECT 1")
    return True


def libpq_parameters() -> dict[str, Any]:
    """Those of Django's connections, certificates and all, without what is meant for psycopg."""
    parameters = {**connection.get_connection_params(), "connect_timeout": 1}
    return {name: value for name, value in parameters.items() if name not in FOR_PSYCOPG}


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
    asking: ClassVar["asyncio.Future[dict[str, Any]] | None"] = None


async def readiness() -> dict[str, Any]:
    """`{"status": "ok" | "degraded" | "down", "checks": {"database": "ok", ...}}`"""
    if time.monotonic() < Kept.until:
        return Kept.report
    if Kept.asking is None or Kept.asking.done():
        Kept.asking = asyncio.ensure_future(ask())
    return await asyncio.shield(Kept.asking)  # one that goes must not end it for the others


async def ask() -> dict[str, Any]:
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
