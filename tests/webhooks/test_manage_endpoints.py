"""POST, GET, PATCH, DELETE /api/webhooks as the reference prints them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from chatbot_project.api.encryption import decrypt
from tests.live import LiveAccount
from tests.servers import Server
from tests.webhooks.conftest import MakeReceiver, dispatch, emit, make_endpoint
from webhooks import services
from webhooks.catalogue import CATALOGUE
from webhooks.models import Endpoint

REFERENCE = {
    "url": "https://your-app.com/webhook",
    "events": ["chat.message", "document.created", "file.uploaded"],
    "secret": "your_webhook_secret",
}
SHOWN = {
    "id",
    "url",
    "events",
    "description",
    "enabled",
    "disabled_reason",
    "disabled_at",
    "failing_since",
    "created_at",
    "updated_at",
}


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def make(client: Client, **fields: Any) -> Any:
    return post(client, "/api/webhooks", {**REFERENCE, **fields})


def test_as_printed(owner_client: Client) -> None:
    response = make(owner_client)
    assert response.status_code == 201
    made = response.json()
    assert set(made) == SHOWN
    assert made["id"].startswith("wh_")
    assert (made["url"], made["events"]) == (REFERENCE["url"], REFERENCE["events"])
    assert made["enabled"] is True
    assert owner_client.get(f"/api/webhooks/{made['id']}").json() == made
    listed = owner_client.get("/api/webhooks").json()
    assert listed == {"results": [made], "total": 1, "limit": 20, "offset": 0}


def test_a_secret_is_made_and_shown_once(owner_client: Client) -> None:
    for body in ({"url": REFERENCE["url"], "events": ["*"]}, {**REFERENCE, "secret": None}):
        made = post(owner_client, "/api/webhooks", body).json()
        assert made["secret"].startswith("whsec_")
        assert set(owner_client.get(f"/api/webhooks/{made['id']}").json()) == SHOWN


def test_secrets_are_encrypted(owner_client: Client) -> None:
    make(owner_client)
    stored = bytes(Endpoint.objects.get().secret)
    assert b"your_webhook_secret" not in stored
    assert decrypt(stored) == b"your_webhook_secret"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://your-app.com/webhook"),
        ("url", "https://user:password@your-app.com/"),
        ("url", "https://127.0.0.1/"),
        ("url", "https://169.254.169.254/latest/meta-data"),
        ("url", "https://localhost/"),
        ("url", "nonsense"),
        ("url", "https://app.example/" + "x" * 2048),
        ("url", 5),
        ("url", ""),
        ("events", []),
        ("events", ["chat.exploded"]),
        ("events", ["ping"]),
        ("events", "chat.message"),
        ("events", [5]),
        ("events", None),
        ("secret", "short"),
        ("secret", "x" * 257),
        ("secret", "whsec_nonsense!"),
        ("secret", "whsec_c2hvcnQ="),
        ("secret", "whsec_é"),
        ("secret", 12345678),
        ("enabled", "yes"),
        ("description", "x" * 201),
    ],
)
def test_bad_values(owner_client: Client, field: str, value: Any) -> None:
    response = make(owner_client, **{field: value})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "INVALID_REQUEST")
    assert [name.partition(".")[0] for name in error["details"]["invalid_fields"]] == [field]
    assert Endpoint.objects.count() == 0


def test_missing_fields(owner_client: Client) -> None:
    error = post(owner_client, "/api/webhooks", {}).json()["error"]
    assert error["details"]["missing_fields"] == ["url", "events"]


def test_every_type_and_all_of_them(owner_client: Client) -> None:
    types = [*CATALOGUE, "*", "chat.message"]
    made = make(owner_client, events=types).json()
    assert made["events"] == [*CATALOGUE, "*"]


def test_changes(owner_client: Client) -> None:
    path = f"/api/webhooks/{make(owner_client).json()['id']}"
    change = {"url": "https://other.example/", "events": ["*"], "description": "Ours"}
    changed = owner_client.patch(path, change, content_type="application/json")
    assert changed.status_code == 200
    assert change.items() <= changed.json().items()
    assert owner_client.get(path).json() == changed.json()
    refusals: list[dict[str, Any]] = [
        {"url": "https://10.0.0.1/"},
        {"events": []},
        {"secret": "another_secret"},
    ]
    for bad in refusals:
        refused = owner_client.patch(path, bad, content_type="application/json")
        assert (refused.status_code, [*refused.json()["error"]["details"]["invalid_fields"]]) == (
            400,
            [*bad],
        )


def test_deleting(owner_client: Client) -> None:
    path = f"/api/webhooks/{make(owner_client).json()['id']}"
    assert owner_client.delete(path).status_code == 204
    assert owner_client.get(path).status_code == owner_client.delete(path).status_code == 404


def test_a_tier_has_a_limit(owner_client: Client, owner: User) -> None:
    for _ in range(5):
        assert make(owner_client).status_code == 201
    refused = make(owner_client)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (403, "QUOTA_EXCEEDED")
    assert error["details"]["quota"] == "max_endpoints"
    assert (error["details"]["limit"], error["details"]["used"]) == (5, 5)
    Endpoint.objects.all()[0].delete()
    assert make(owner_client).status_code == 201


def test_the_limit_is_exact(daphne: Server, make_account: Any) -> None:
    account: LiveAccount = make_account(max_endpoints=7)
    client = account.client(daphne)
    with ThreadPoolExecutor(20) as threads:
        asked = [threads.submit(client.post, "/api/webhooks", json=REFERENCE) for _ in range(40)]
        statuses = sorted(future.result().status_code for future in asked)
    assert statuses == [201] * 7 + [403] * 33


def test_disabled_it_hears_nothing(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver()
    endpoint = make_endpoint(account, receiver.url)
    emit(account)
    services.change_endpoint(endpoint, enabled=False)
    emit(account)
    dispatch()
    assert receiver.received == []
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "owner"
    services.change_endpoint(endpoint, enabled=True)
    dispatch()
    assert len(receiver.received) == 1  # what waited; the other one was not for it


def test_a_repeated_request_shows_the_secret_again(owner_client: Client) -> None:
    headers = {"Idempotency-Key": "one"}
    body = {"url": REFERENCE["url"], "events": ["*"]}
    first, again = (
        owner_client.post("/api/webhooks", body, content_type="application/json", headers=headers)
        for _ in range(2)
    )
    assert first.json() == again.json()
    assert Endpoint.objects.count() == 1
