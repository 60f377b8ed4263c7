"""An upload with an Idempotency-Key is kept once, however often it is sent."""

from typing import Any

import pytest

from chatbot_project.api.models import IdempotencyKey
from files.models import StoredFile
from tests.files.calling import Files, error_of


def test_the_same_upload_is_kept_once(files: Files) -> None:
    first, second = (files.send(key="k", tags=["a"]) for _ in range(2))
    assert (second.status_code, second.json()) == (201, first.json())
    assert second["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert StoredFile.objects.count() == 1
    assert files.send(key="other", tags=["a"]).json()["duplicate_of"] == first.json()["id"]


@pytest.mark.parametrize(
    "other", [{"content": b"x"}, {"name": "b.txt"}, {"tags": ["b"]}, {"description": "d"}]
)
def test_another_upload_is_a_mismatch(files: Files, other: dict[str, Any]) -> None:
    files.send(key="k")
    response = files.send(key="k", **other)
    assert (response.status_code, error_of(response)["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert StoredFile.objects.count() == 1


def test_refusals_are_not_kept(files: Files) -> None:
    assert files.send(b"", key="k").status_code == 400
    assert files.send(b"x", key="k").status_code == 201


def test_the_file_has_been_deleted_since(files: Files) -> None:
    files.delete(files.send(key="k").json()["id"])
    response = files.send(key="k")
    assert (response.status_code, error_of(response)["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_no_copy_of_the_answer_is_kept(files: Files) -> None:
    id = files.send(key="k", name="secret.txt").json()["id"]
    row = IdempotencyKey.objects.get()
    assert (row.body, row.status) == (None, None)
    assert row.reference == {"file": StoredFile.objects.get().id.hex}
    assert id
