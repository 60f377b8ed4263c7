"""An account whose row goes while a request of it is answered: refused, and nothing is stored."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpRequest
from django.test import Client

from accounts import deletion
from accounts.authentication import authenticate
from accounts.models import User
from chatbot_project.api import callers
from chatbot_project.api.callers import Caller

WRITES: dict[str, dict[str, Any]] = {
    "chat": {"message": "Hello", "model": "extractive"},
    "documents": {"title": "Tides", "content": "Twice a day."},
    "knowledge": {"content": "Tides come twice a day."},
    "webhooks": {"url": "https://example.com/hook", "events": ["*"]},
}


def then_delete(request: HttpRequest) -> Caller | None:
    """Lets the caller in; then his account goes, as fast as it can."""
    caller = authenticate(request)
    assert caller is not None
    deletion.begin([caller.user])
    assert not deletion.delete_due()
    return caller


@pytest.fixture(autouse=True)
def deletes_whoever_comes(settings: Any) -> Iterator[None]:
    settings.API_AUTHENTICATE = f"{__name__}.then_delete"
    callers.authenticate.cache_clear()
    yield
    callers.authenticate.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_what_it_writes_is_refused(make_user: Any, make_client: Any) -> None:
    clients: dict[str, Client] = {
        name: make_client(make_user(f"{name}@example.com")) for name in (*WRITES, "upload")
    }
    answers = [
        clients[name].post(f"/api/{name}", body, content_type="application/json")
        for name, body in WRITES.items()
    ]
    file = SimpleUploadedFile("a.txt", b"The moon moves the sea.")
    answers.append(clients["upload"].post("/api/files/upload", {"file": file}))
    found = [(answer.status_code, answer.json()["error"]["code"]) for answer in answers]
    assert set(found) <= {(401, "INVALID_API_KEY"), (404, "RESOURCE_NOT_FOUND")}, found
    assert found[0] == found[1] == (401, "INVALID_API_KEY")
    assert not User.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM chat_message")
        assert cursor.fetchone() == (0,)
