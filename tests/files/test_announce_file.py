"""Events tell of uploads and of how processing ended, in the transaction of the change."""

import json
from typing import Any

import pytest

from accounts.models import User
from tests.files.calling import Files, work
from webhooks.catalogue import CATALOGUE
from webhooks.models import Event
from webhooks.services import create_endpoint


@pytest.fixture(autouse=True)
def endpoint(owner: User) -> None:
    """Nothing is kept of an account that has none."""
    create_endpoint(owner, url="https://app.example/hook", events=["*"])


def told() -> list[tuple[str, dict[str, Any]]]:
    bodies = [json.loads(event.body) for event in Event.objects.order_by("id")]
    return [(body["event"], body["data"]) for body in bodies]


def shown(files: Files, id: str, event: str) -> dict[str, Any]:
    """Of the file as it is now, what the event tells of."""
    file = files.get(f"/{id}")
    return {name: file[name] for name in CATALOGUE[event].data}


def test_an_upload_and_its_end(files: Files) -> None:
    id = files.upload()["id"]
    uploaded = shown(files, id, "file.uploaded")
    work()
    processed = shown(files, id, "file.processed")
    assert processed["status"] == "completed"
    assert told() == [("file.uploaded", uploaded), ("file.processed", processed)]


def test_a_file_that_failed(files: Files) -> None:
    id = files.upload(b" ")["id"]
    work()
    processed = shown(files, id, "file.processed")
    assert processed["status"] == "failed"
    assert processed["error"]
    assert told()[1:] == [("file.processed", processed)]


def test_a_file_that_was_cancelled(files: Files) -> None:
    id = files.upload()["id"]
    files.post(id, "cancel")
    assert told()[1:] == [("file.processed", shown(files, id, "file.processed"))]


def test_what_does_not_happen_is_not_told(files: Files) -> None:
    id = files.send(key="k").json()["id"]
    files.send(key="k")
    files.send(b"")
    files.delete(id)
    work()
    assert [type for type, _ in told()] == ["file.uploaded"]


def test_each_time_it_is_processed(files: Files) -> None:
    id = files.upload()["id"]
    work()
    files.post(id, "reprocess")
    work()
    types = ["file.uploaded", "file.processed", "file.processed"]
    assert [type for type, _ in told()] == types
