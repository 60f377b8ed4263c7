"""Whether this process lives, and whether what an answer needs is there."""

import asyncio

import httpx2
import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client

from chatbot_project.site.readiness import Kept, database_answers, libpq_parameters, readiness
from chatbot_project.site.tasks import note_worker
from tests.live import StartServer
from tests.servers import Server


def test_liveness_needs_nothing(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response["X-Request-Id"]


def test_all_is_well(daphne: Server, upstream: object) -> None:
    note_worker()
    report = httpx2.get(f"{daphne.url}/readyz").json()
    assert report == {
        "status": "ok",
        "checks": {"database": "ok", "redis": "ok", "model": "ok", "worker": "ok"},
    }


@pytest.mark.parametrize(
    ("setting", "value", "check"),
    [
        ("REDIS_URL", "redis://127.0.0.1:9/0", "redis"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1", "model"),
    ],
)
def test_what_is_missing_degrades(
    start_server: StartServer, setting: str, value: str, check: str
) -> None:
    response = httpx2.get(f"{start_server(**{setting: value}).url}/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"][check] == "down"
    assert response.json()["checks"]["database"] == "ok"


def test_without_the_database_nothing_is_ready(start_server: StartServer) -> None:
    server = start_server(DATABASE_URL="postgres://nobody:x@127.0.0.1:9/none")
    response = httpx2.get(f"{server.url}/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "down")
    assert httpx2.get(f"{server.url}/healthz").status_code == 200


def test_many_who_ask_at_once_are_told_of_one_look(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setattr(Kept, "until", 0.0)
    looks = []

    async def ask_at_once() -> list[str]:
        model = await asyncio.start_server(lambda *_: looks.append(1), "127.0.0.1", 0)
        port = model.sockets[0].getsockname()[1]
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{port}/v1"
        impatient = asyncio.ensure_future(readiness())
        asking = [asyncio.ensure_future(readiness()) for _ in range(100)]
        await asyncio.sleep(0)
        impatient.cancel()
        reports = await asyncio.gather(*asking)
        model.close()
        return [report["checks"]["model"] for report in reports]

    assert asyncio.run(ask_at_once()) == ["ok"] * 100
    assert len(looks) == 1
    monkeypatch.setattr(Kept, "until", 0.0)  # other tests ask of other models


def test_it_connects_as_the_address_says(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    given = {"sslrootcert": "/none.crt", "options": "-c lock_timeout=1s"}
    options = {**connection.settings_dict["OPTIONS"], **given}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    assert given.items() <= libpq_parameters().items()
    assert asyncio.run(database_answers())
