"""The official libraries, in Python and JavaScript, accept what we sign, and nothing else."""

import json
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import User
from accounts.services import create_api_key
from tests.webhooks.conftest import (
    JAVASCRIPT,
    MakeReceiver,
    dispatch,
    emit,
    make_endpoint,
    only_delivery,
    pass_time,
)
from tests.webhooks.receivers import Received
from webhooks import services, signing
from webhooks.models import Attempt, Endpoint

PLAIN, ENCODED = "your_webhook_secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
UNICODE = "Schlüssel-鍵-🔑"


def python_library(secret: str) -> Webhook:
    return Webhook(secret if secret.startswith("whsec_") else secret.encode())


def verified(secret: str, request: Received) -> bool:
    try:
        return bool(python_library(secret).verify(request.body, request.headers) == request.json)
    except WebhookVerificationError:
        return False


def javascript_verified(pairs: list[tuple[str, Received]]) -> list[Any]:
    """What the library read of each request, or its error message."""
    asked = [
        {
            "secret": secret,
            "raw": not secret.startswith("whsec_"),
            "body": request.body.decode(),
            "headers": request.headers,
        }
        for secret, request in pairs
    ]
    done = subprocess.run(
        ["node", "verify.mjs"],
        cwd=JAVASCRIPT,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    results: list[Any] = json.loads(done.stdout)
    return results


@pytest.fixture
def received(account: User, make_receiver: MakeReceiver) -> dict[str, Received]:
    """A request signed with each kind of secret."""
    receivers = {}
    for secret in (PLAIN, ENCODED, UNICODE, signing.make_secret()):
        receivers[secret] = make_receiver()
        make_endpoint(account, receivers[secret].url, secret=secret)
    emit(account, data={"content": "Grüße, 世界 🌍", "role": "user"})
    dispatch()
    return {secret: receiver.received[0] for secret, receiver in receivers.items()}


def test_python(received: dict[str, Received]) -> None:
    for secret, request in received.items():
        assert [other for other in received if verified(other, request)] == [secret]


def test_javascript(received: dict[str, Received], javascript_library: None) -> None:
    pairs = [(secret, request) for request in received.values() for secret in received]
    results = javascript_verified(pairs)
    for (secret, request), result in zip(pairs, results, strict=True):
        assert (result == request.json) == (received[secret] is request), result


def test_rotation_end_to_end(
    account: User, make_receiver: MakeReceiver, javascript_library: None
) -> None:
    receiver = make_receiver()
    endpoint = make_endpoint(account, receiver.url, secret=PLAIN)
    client = Client(headers={"Authorization": f"Bearer {create_api_key(account)[1]}"})
    path = f"/api/webhooks/{endpoint.public_id}/rotate-secret"
    made = client.post(path, {}, content_type="application/json").json()["secret"]
    client.post(path, {"secret": UNICODE}, content_type="application/json")
    emit(account)
    dispatch()
    [request] = receiver.received
    secrets = [UNICODE, made, PLAIN]
    assert [verified(secret, request) for secret in secrets] == [True] * 3
    results = javascript_verified([(secret, request) for secret in secrets])
    assert results == [request.json] * 3
    let_overlap_pass(endpoint)
    emit(account)
    dispatch()
    assert [verified(secret, receiver.received[1]) for secret in secrets] == [True, False, False]


def test_to_rotate_helps_after_a_change_of_the_key(
    account: User, make_receiver: MakeReceiver, settings: Any
) -> None:
    receiver = make_receiver()
    endpoint = make_endpoint(account, receiver.url, secret=PLAIN)
    services.rotate_secret(endpoint, UNICODE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    emit(account)
    dispatch()
    assert [attempt.error for attempt in Attempt.objects.all()] == ["secret_unreadable"]
    assert only_delivery().tries == 1
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)  # nothing was sent
    services.rotate_secret(endpoint, ENCODED)
    pass_time(10)
    dispatch()
    [request] = receiver.received
    assert [verified(secret, request) for secret in (ENCODED, UNICODE, PLAIN)] == [
        True,
        False,
        False,
    ]


def let_overlap_pass(endpoint: Endpoint) -> None:
    endpoint.refresh_from_db()
    day = services.OVERLAP.total_seconds()
    assert timedelta(hours=24) == services.OVERLAP
    for old in endpoint.old_secrets:
        old["until"] -= day
    endpoint.save(update_fields=["old_secrets"])


def test_a_changed_body_or_time_is_refused(received: dict[str, Received]) -> None:
    request = received[PLAIN]
    for changed in (
        Received(request.line, request.headers, request.body + b" "),
        Received(request.line, {**request.headers, "webhook-id": "evt_0"}, request.body),
        Received(request.line, {**request.headers, "webhook-timestamp": "1"}, request.body),
    ):
        assert not verified(PLAIN, changed)
