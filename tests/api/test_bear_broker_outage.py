"""With Redis away nobody can call a worker: what is sent is taken, and stored, all the same."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
from django.db.models import F
from django.test import Client

from accounts.models import Deletion, User
from accounts.tasks import delete_accounts
from chatbot_project.embedded.addresses import embedded_addresses
from chatbot_project.embedded.valkey import Valkey
from chatbot_project.storages import files_in_folder
from documents import indexing
from documents.models import Document, Indexing
from documents.tasks import sweep_indexing
from files.tasks import sweep_files
from tests import servers
from tests.files.calling import work
from tests.live import LiveAccount
from tests.servers import Server
from tests.waiting import wait_until

QUICK = 2.0  # seconds: half of one for each thing that asks Redis, and a slow machine
DOCUMENT = {"title": "Tides", "content": "The moon moves the sea.", "knowledge": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this file's own Valkey lives."""
    return tmp_path_factory.mktemp("valkey")


@pytest.fixture(scope="module")
def own_server(folder: Path, server_environment: dict[str, str]) -> Iterator[Server]:
    environment = server_environment | {"REDIS_URL": embedded_addresses(folder)["REDIS_URL"]}
    server = servers.start("daphne", environment, folder / "server.log")
    yield server
    server.stop()


class Redis:
    """The server's. It can be stopped, or made to take calls and say nothing."""

    def __init__(self, folder: Path) -> None:
        self.url = embedded_addresses(folder)["REDIS_URL"]
        self._valkey = Valkey(folder, durable=False)
        self._hanging: int | None = None
        self._valkey.start()

    def stop(self) -> None:
        self._valkey.stop()

    def hang(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            found: Any = client.info("server")
        self._hanging = int(found["process_id"])
        os.kill(self._hanging, signal.SIGSTOP)

    def come_back(self) -> None:
        if self._hanging:
            os.kill(self._hanging, signal.SIGCONT)
            self._hanging = None
        self._valkey.start()

    def calls(self) -> int:
        with redis.Redis.from_url(self.url) as client:
            return int(client.llen("celery"))


@pytest.fixture
def running_redis(folder: Path) -> Iterator[Redis]:
    made = Redis(folder)
    yield made
    made.come_back()
    made.stop()


@pytest.fixture(params=["stopped", "hanging"])
def away(request: pytest.FixtureRequest, own_server: Server, running_redis: Redis) -> Redis:
    """After the server has spoken to it."""
    httpx2.get(f"{own_server.url}/api/usage")
    running_redis.stop() if request.param == "stopped" else running_redis.hang()
    return running_redis


@pytest.fixture
def client(own_server: Server, live_owner: LiveAccount) -> httpx2.Client:
    return live_owner.client(own_server)


def upload(client: httpx2.Client, content: bytes = b"The moon.", **headers: str) -> httpx2.Response:
    return client.post("/api/files/upload", files={"file": ("tides.txt", content)}, headers=headers)


def add_document(client: httpx2.Client, **headers: str) -> httpx2.Response:
    return client.post("/api/documents", json=DOCUMENT, headers=headers)


def seconds(function: Callable[[], object]) -> float:
    began = time.monotonic()
    function()
    return time.monotonic() - began


@pytest.mark.parametrize("send", [upload, add_document])
def test_what_is_sent_is_taken_at_once_and_once(
    client: httpx2.Client, away: Redis, send: Callable[..., httpx2.Response]
) -> None:
    key = {"Idempotency-Key": "the same"}
    answers: list[httpx2.Response] = []
    for _ in range(2):
        assert seconds(lambda: answers.append(send(client, **key))) < QUICK
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    kind = "files" if send is upload else "documents"
    assert client.get(f"/api/{kind}").json()["total"] == 1


def test_other_calls_go_on(client: httpx2.Client, away: Redis) -> None:
    contents = [b"Tide %d." % number for number in range(6)]
    with ThreadPoolExecutor() as pool:
        uploads = [pool.submit(upload, client, content) for content in contents]
        waits = [seconds(lambda: client.get("/api/usage"))]
        while not all(each.done() for each in uploads):
            waits.append(seconds(lambda: client.get("/api/usage")))
    assert [each.result().status_code for each in uploads] == [201] * 6
    assert max(waits) < QUICK


def test_a_sweep_finds_what_nobody_was_called_for(
    client: httpx2.Client,
    away: Redis,
    empty_redis: redis.Redis,
    server_environment: dict[str, str],
    settings: Any,
) -> None:
    """The sweeps run here, where Redis is."""
    folder = Path(server_environment["CHATBOT_DATA_DIR"]) / "files"
    settings.STORAGES = {**settings.STORAGES, "default": files_in_folder(folder)}
    file = upload(client).json()["id"]
    document = add_document(client).json()["id"]
    sweep_files()
    Indexing.objects.update(due_at=F("due_at") - indexing.LOST - timedelta(seconds=1))
    sweep_indexing()
    assert empty_redis.llen("celery") == 2
    assert work() == 1
    indexing.index(Document.objects.get().pk)
    query = {"query": "moon", "type": "text"}
    found = client.post("/api/knowledge/search", json=query).json()["results"]
    assert {each["source"]["id"] for each in found} == {file, document}


def test_workers_are_called_again_once_it_is_back(client: httpx2.Client, away: Redis) -> None:
    assert add_document(client).status_code == 201
    away.come_back()
    before = away.calls()
    wait_until(lambda: add_document(client).is_success and away.calls() > before, "a call")


@pytest.fixture
def admin(own_server: Server, live_stranger: LiveAccount) -> Iterator[httpx2.Client]:
    """Signed in."""
    User.objects.filter(pk=live_stranger.user.pk).update(is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(User.objects.get(pk=live_stranger.user.pk))
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    with httpx2.Client(base_url=own_server.url, cookies=cookies, timeout=60) as client:
        yield client


def test_staff_delete_an_account(
    admin: httpx2.Client, live_owner: LiveAccount, away: Redis
) -> None:
    path = f"/admin/accounts/user/{live_owner.user.pk}/delete/"
    assert admin.get(path).status_code == 200
    answers: list[httpx2.Response] = []
    form = {"post": "yes", "csrfmiddlewaretoken": admin.cookies["csrftoken"]}
    assert seconds(lambda: answers.append(admin.post(path, data=form))) < QUICK
    assert answers[0].status_code == 302
    assert Deletion.objects.filter(user=live_owner.user).exists()
    delete_accounts()
    assert not User.objects.filter(pk=live_owner.user.pk).exists()
