"""A POST with an Idempotency-Key is done once, however often it is sent."""

# mypy: disable-error-code="no-untyped-call"

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import LazySettings
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from accounts.models import User
from chatbot_project.api.asgi import Application
from chatbot_project.api.models import IdempotencyKey
from chatbot_project.api.tasks import prune_idempotency_keys
from tests.api import probe
from tests.servers import database_url

pytestmark = pytest.mark.urls("tests.api.probe")


def post(
    client: Client, body: Any, key: str | None = "k", path: str = "things", **headers: str
) -> Any:
    if key is not None:
        headers["Idempotency-Key"] = key
    data = json.dumps(body)
    kind = "application/json"
    return client.post(f"/api/probe/{path}", data, content_type=kind, headers=headers)


def test_the_same_request_is_answered_again_not_done_again(owner_client: Client) -> None:
    first, second = (post(owner_client, {"name": "a"}) for _ in range(2))
    assert probe.done == ["a"]
    assert (second.status_code, second.content) == (201, first.content)
    assert second["Content-Type"] == "application/json"
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert second["X-Request-Id"] != first["X-Request-Id"]
    assert second["X-RateLimit-Remaining"] != first["X-RateLimit-Remaining"]


def test_without_a_key_every_request_is_done(owner_client: Client) -> None:
    for _ in range(2):
        assert post(owner_client, {"name": "a"}, key=None).status_code == 201
    assert probe.done == ["a", "a"]
    assert not IdempotencyKey.objects.exists()


def test_another_body_is_a_mismatch(owner_client: Client) -> None:
    post(owner_client, {"name": "a"})
    response = post(owner_client, {"name": "b"})
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "IDEMPOTENCY_MISMATCH"
    assert probe.done == ["a"]


def test_keys_are_an_accounts_own(owner_client: Client, stranger_client: Client) -> None:
    post(owner_client, {"name": "a"})
    assert post(stranger_client, {"name": "b"}).status_code == 201


def test_a_key_belongs_to_its_path(owner_client: Client) -> None:
    post(owner_client, {"name": "a"})
    assert "Idempotency-Replayed" not in post(owner_client, {"name": "a"}, path="nest")


def test_while_the_first_is_at_work_the_second_is_a_conflict(owner_client: Client) -> None:
    inner = post(owner_client, {}, path="nest").json()
    assert inner == {"status": 409, "retry_after": "1"}


@pytest.mark.parametrize(
    ("body", "path", "status"),
    [({}, "things", 400), ({"name": "taken"}, "things", 409), ({}, "fail", 500), ({}, "no", 404)],
)
def test_errors_are_not_kept(owner_client: Client, body: Any, path: str, status: int) -> None:
    for _ in range(2):
        response = post(owner_client, body, path=path)
        assert response.status_code == status
        assert "Idempotency-Replayed" not in response
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel", "tab\there"])
def test_a_key_is_printable_ascii_of_some_length(owner_client: Client, key: str) -> None:
    response = post(owner_client, {"name": "a"}, key=key)
    assert response.status_code == 400
    assert "Idempotency-Key" in response.json()["error"]["details"]["invalid_fields"]
    assert probe.done == []


def test_a_key_may_be_long_and_hold_blanks(owner_client: Client) -> None:
    assert post(owner_client, {"name": "a"}, key="order 17 " + "k" * 246).status_code == 201


def test_what_is_kept_is_encrypted(owner_client: Client) -> None:
    post(owner_client, {"name": "a"})
    row = IdempotencyKey.objects.get()
    assert probe.SECRET.encode() not in bytes(row.body or b"")
    assert post(owner_client, {"name": "a"}).json()["secret"] == probe.SECRET


def test_what_an_old_secret_key_encrypted_is_read(
    owner_client: Client, settings: LazySettings
) -> None:
    post(owner_client, {"name": "a"})
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new" * 20
    assert post(owner_client, {"name": "a"})["Idempotency-Replayed"] == "true"


def test_what_nobody_can_read_any_more_is_a_conflict(
    owner_client: Client, settings: LazySettings
) -> None:
    post(owner_client, {"name": "a"})
    settings.SECRET_KEY = "new" * 20
    assert post(owner_client, {"name": "a"}).status_code == 409
    assert probe.done == ["a"]


def test_a_repetition_needs_the_scope_too(
    owner: User, owner_client: Client, make_client: Callable[..., Client]
) -> None:
    post(owner_client, {"name": "a"})
    response = post(make_client(owner, scopes=["chat:read"]), {"name": "a"})
    assert response.status_code == 403
    assert probe.SECRET not in response.content.decode()


def test_a_crashed_owner_loses_the_key_with_its_lease(owner_client: Client) -> None:
    post(owner_client, {"name": "a"})
    crashed = IdempotencyKey.objects.all()
    crashed.update(status=None, body=None)
    assert post(owner_client, {"name": "a"}).status_code == 409
    crashed.update(locked_until=Now() - timedelta(seconds=1))
    assert post(owner_client, {"name": "a"}).status_code == 201
    assert probe.done == ["a", "a"]


def test_what_outlives_a_crashed_request_is_found(
    owner_client: Client, settings: LazySettings
) -> None:
    settings.API_REPLAY = "tests.api.probe.replay"
    with pytest.raises(SystemExit):
        post(owner_client, {}, path="make")
    waiting = post(owner_client, {}, path="make")
    assert (waiting.status_code, waiting["Retry-After"]) == (409, "1")
    probe.done.append("ready")
    found = post(owner_client, {}, path="make")
    assert (found.json(), found["Idempotency-Replayed"]) == ({"thing": "a"}, "true")
    assert probe.done == ["made", "ready"]


def test_of_what_outlives_its_request_no_copy_is_kept(
    owner_client: Client, settings: LazySettings
) -> None:
    settings.API_REPLAY = "tests.api.probe.replay"
    first, second = (post(owner_client, {}, path="draw") for _ in range(2))
    assert IdempotencyKey.objects.get().body is None
    assert (first.json(), second.json()) == ({"thing": "a"}, {"thing": "a"})
    assert second["Idempotency-Replayed"] == "true"
    assert probe.done == ["ready"]


def test_after_a_day_a_key_is_free_again(owner_client: Client) -> None:
    post(owner_client, {"name": "a"})
    IdempotencyKey.objects.update(created_at=Now() - timedelta(hours=24, seconds=1))
    assert post(owner_client, {"name": "b"}).status_code == 201


def test_old_keys_are_pruned(owner_client: Client) -> None:
    for key in "abc":
        post(owner_client, {"name": "a"}, key=key)
    old = IdempotencyKey.objects.order_by("pk")[:2].values("pk")
    IdempotencyKey.objects.filter(pk__in=old).update(created_at=Now() - timedelta(hours=25))
    assert prune_idempotency_keys() == 2
    assert IdempotencyKey.objects.count() == 1


def test_an_upload_brings_its_own_fingerprint(owner_client: Client) -> None:
    """Its body differs from try to try: the boundary is random."""

    def upload(boundary: str, fingerprint: str) -> Any:
        body = f"--{boundary}--\r\n"
        kind = f"multipart/form-data; boundary={boundary}"
        headers = {"Idempotency-Key": "k", "X-Fingerprint": fingerprint}
        return owner_client.generic("POST", "/api/probe/upload", body, kind, headers=headers)

    assert upload("one", "f").status_code == 201
    assert upload("two", "f")["Idempotency-Replayed"] == "true"
    assert upload("three", "g").status_code == 422
    assert probe.done == ["uploaded"]


async def test_a_client_that_hangs_up_finds_the_answer_later(
    transactional_db: None, owner_key: str
) -> None:
    probe.entered.clear()
    probe.go_on.clear()
    impatient = await call(owner_key)
    async with asyncio.timeout(10):
        await probe.entered.wait()
        await impatient.send_input({"type": "http.disconnect"})
        await impatient.wait()
        assert await status_of(await call(owner_key)) == (409, False)
        probe.go_on.set()
        assert await answer_in_the_end(owner_key) == (200, True)
    assert probe.done == ["a"]


async def test_so_does_one_that_hangs_up_before_it_is_let_in(
    transactional_db: None, owner_key: str
) -> None:
    probe.go_on.set()
    async with asyncio.timeout(10), await other_connection() as other:
        await other.execute(f"LOCK TABLE {IdempotencyKey._meta.db_table} IN SHARE MODE")
        impatient = await call(owner_key)
        while not await is_waited_for(other):
            pass
        await impatient.send_input({"type": "http.disconnect"})
        await impatient.wait()
        await other.rollback()
        assert await answer_in_the_end(owner_key) == (200, True)
    assert probe.done == ["a"]


async def other_connection() -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(database_url(connection.settings_dict))


async def is_waited_for(holder: psycopg.AsyncConnection[Any]) -> bool:
    """Whether another connection waits for a lock of this one."""
    waiting = "SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    return await (await holder.execute(waiting)).fetchone() is not None


async def answer_in_the_end(key: str) -> tuple[int, bool]:
    while (found := await status_of(await call(key)))[0] == 409:
        pass
    return found


async def call(key: str) -> ApplicationCommunicator:
    """A request under way, as an ASGI server would have it."""
    headers = {
        "host": "localhost",
        "authorization": f"Bearer {key}",
        "idempotency-key": "k",
        "content-type": "application/json",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/probe/slow",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    communicator = ApplicationCommunicator(Application(), scope)
    await communicator.send_input({"type": "http.request", "body": b'{"name": "a"}'})
    return communicator


async def status_of(communicator: ApplicationCommunicator) -> tuple[int, bool]:
    """Its status, and whether it is a replay."""
    start = await communicator.receive_output(5)
    await communicator.wait()
    return start["status"], (b"Idempotency-Replayed", b"true") in start["headers"]
