"""Whether this process lives, and whether what an answer needs is there."""

import httpx2
import pytest
from django.test import Client

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
