"""How many requests a minute are let in, exactly, and what every answer says about it."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings
from django.test import Client

from chatbot_project.api.cache import TIMEOUT
from chatbot_project.embedded.addresses import valkey_socket
from chatbot_project.embedded.services import running
from tests.live import LiveAccount, StartServer
from tests.servers import Server
from tests.waiting import wait_until

HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id")


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter's, in this process: so that no test straddles two windows."""
    now = time.time()
    monkeypatch.setattr("django_ratelimit.core.time", SimpleNamespace(time=lambda: now))


@pytest.mark.urls("tests.api.probe")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/chat", 200),
        ("POST", "/api/probe/things", 400),
        ("GET", "/api/nowhere", 404),
        ("DELETE", "/api/chat", 405),
        ("POST", "/api/probe/fail", 500),
        ("GET", "/api/probe/plain-failure", 500),
        ("GET", "/api/probe/stream", 200),
    ],
)
def test_every_answer_says_where_the_limit_stands(
    owner_client: Client, method: str, path: str, status: int
) -> None:
    before = time.time()
    for left in (99, 98):
        response: Any = owner_client.generic(method, path)
        assert response.status_code == status
        assert response["X-RateLimit-Limit"] == "100"
        assert response["X-RateLimit-Remaining"] == str(left)
        assert before <= int(response["X-RateLimit-Reset"]) <= time.time() + 61


def test_the_account_is_limited_not_the_key(owner_client: Client, owner: Any) -> None:
    owner.tier.requests_per_minute = 2
    owner.tier.save()
    assert [owner_client.get("/api/chat").status_code for _ in range(3)] == [200, 200, 429]
    refused = owner_client.get("/api/chat")
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMITED"
    assert refused["X-RateLimit-Remaining"] == "0"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert error["details"]["retry_after"] == int(refused["Retry-After"])
    assert int(refused["X-RateLimit-Reset"]) - time.time() <= int(refused["Retry-After"])


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer cb_live_wrong"}])
def test_the_unknown_are_limited_by_address(db: None, header: dict[str, str]) -> None:
    client = Client(headers=header)
    statuses = [client.get("/api/chat").status_code for _ in range(32)]
    assert statuses == [401] * 30 + [429] * 2
    assert client.get("/api/chat", REMOTE_ADDR="192.0.2.7").status_code == 401


def test_a_limited_address_does_not_lock_out_a_key(owner_client: Client) -> None:
    for _ in range(31):
        Client().get("/api/chat")
    assert owner_client.get("/api/chat").status_code == 200


def test_checks_are_not_limited(db: None, client: Client) -> None:
    answers = [client.get("/healthz") for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200}
    assert "X-RateLimit-Limit" not in answers[0]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "same"),
    [
        (0, ("198.51.100.1", "198.51.100.2"), True),
        (1, ("198.51.100.1", "198.51.100.2"), False),
        (1, ("10.0.0.1, 198.51.100.1", "10.0.0.2, 198.51.100.1"), True),
        (2, ("10.0.0.1, 198.51.100.1, 198.51.100.9", "198.51.100.1, 198.51.100.8"), True),
        (2, ("198.51.100.1", "198.51.100.2"), False),
        (1, ("2001:db8:1:2::3", "2001:db8:1:2::4"), True),
        (1, ("2001:db8:1:2::3", "2001:db8:1:3::3"), False),
        (1, ("::ffff:198.51.100.1", "198.51.100.1"), True),
        (1, ("198.51.100.1:5123", "198.51.100.2:5123"), False),
        (1, ("198.51.100.1:5123", "198.51.100.1"), True),
        (1, ("[2001:db8:1:2::3]:443", "2001:db8:1:2::4"), True),
        (1, ("[2001:db8:1:2::3]:443", "[2001:db8:1:3::3]"), False),
        (1, ("nonsense", "rubbish"), True),
    ],
)
def test_an_address_is_the_one_a_trusted_proxy_saw(
    db: None, settings: LazySettings, proxies: int, forwarded: tuple[str, str], same: bool
) -> None:
    settings.TRUSTED_PROXIES = proxies
    left = [
        int(Client(headers={"X-Forwarded-For": chain}).get("/api/chat")["X-RateLimit-Remaining"])
        for chain in forwarded
    ]
    assert left == ([29, 28] if same else [29, 29])


def test_the_limit_is_exact_over_two_processes(
    two_servers: tuple[Server, Server], make_account: Callable[..., LiveAccount]
) -> None:
    account = early_in_its_window(make_account, two_servers[0])
    answers = asyncio.run(call_at_once(two_servers, account, 400))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (99, 301)
    left = sorted(int(a.headers["X-RateLimit-Remaining"]) for a in answers if a.is_success)
    assert left == list(range(99))


async def call_at_once(
    servers: tuple[Server, Server], account: LiveAccount, times: int
) -> list[httpx2.Response]:
    limits = httpx2.Limits(max_connections=50)
    async with httpx2.AsyncClient(headers=account.headers, limits=limits, timeout=60) as client:
        calls = [client.get(f"{servers[i % 2].url}/api/chat") for i in range(times)]
        return await asyncio.gather(*calls)


def early_in_its_window(make_account: Callable[..., LiveAccount], server: Server) -> LiveAccount:
    """An account that has made one of its 100 requests, and half a minute for the others."""
    while True:
        account: LiveAccount = make_account(requests_per_minute=100)
        answer = account.client(server).get("/api/chat")
        if int(answer.headers["X-RateLimit-Reset"]) - time.time() > 30:
            return account


def test_without_redis_requests_are_let_in(
    start_server: StartServer, live_owner: LiveAccount, tmp_path: Path
) -> None:
    with running(["valkey"], tmp_path, durable=False):
        server = start_server(REDIS_URL=f"unix://{valkey_socket(tmp_path)}")
        client = live_owner.client(server)
        assert counts(client)
    answers = [client.get("/api/chat") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert all(name in answer.headers for answer in answers for name in HEADERS)
    assert not counts(client)
    assert server.log.read_text().count("Redis does not answer") == 1
    assert client.get("/readyz").json()["checks"]["redis"] == "down"
    with running(["valkey"], tmp_path, durable=False):
        wait_until(lambda: counts(client), "requests to be counted again", limit=10)


def test_a_redis_that_hangs_costs_little(
    start_server: StartServer, daphne: Server, live_owner: LiveAccount
) -> None:
    _, usual = ask_in_turn(live_owner.client(daphne))
    with socket.create_server(("127.0.0.1", 0), backlog=100) as hanging:
        server = start_server(REDIS_URL=f"redis://127.0.0.1:{hanging.getsockname()[1]}/0")
        client = live_owner.client(server)
        statuses, took = ask_in_turn(client)
    assert statuses == {200}
    assert took < 2 * usual + 20 * TIMEOUT / 2


def ask_in_turn(client: httpx2.Client) -> tuple[set[int], float]:
    """The statuses of twenty calls, and the seconds they took."""
    began = time.monotonic()
    statuses = {client.get("/api/chat").status_code for _ in range(20)}
    return statuses, time.monotonic() - began


def counts(client: httpx2.Client) -> bool:
    """Whether two requests are counted as two."""
    first, second = (client.get("/api/chat").headers["X-RateLimit-Remaining"] for _ in range(2))
    return int(second) < int(first)
