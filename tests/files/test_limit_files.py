"""What a tier allows is checked exactly, and GET /api/usage says where an account stands."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from files.models import Orphan, StoredFile
from tests.files.calling import Files, error_of


@pytest.fixture
def limit(owner: User) -> Any:
    def change(**limits: int) -> None:
        for name, value in limits.items():
            setattr(owner.tier, name, value)
        owner.tier.save()

    return change


def test_a_large_file(files: Files, limit: Any) -> None:
    limit(max_file_bytes=10)
    assert files.send(b"x" * 10).status_code == 201
    response = files.send(b"x" * 11)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert error["details"]["limit_bytes"] == 10


@pytest.mark.parametrize(
    ("quota", "most", "used"), [("max_files", 2, 2), ("max_stored_bytes", 25, 20)]
)
def test_no_more_than_the_tier_holds(
    files: Files, limit: Any, quota: str, most: int, used: int
) -> None:
    limit(**{quota: most})
    kept = [files.upload(b"%d" % n * 10)["id"] for n in range(2)]
    response = files.send(b"3" * 10)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (403, "QUOTA_EXCEEDED")
    assert {name: error["details"][name] for name in ("quota", "limit", "used")} == {
        "quota": quota,
        "limit": most,
        "used": used,
    }
    assert error["details"]["resets_at"] is None
    assert StoredFile.objects.count() == 2
    assert Orphan.objects.count() == 0
    files.delete(kept[0])
    assert files.send(b"3" * 10).status_code == 201


def test_where_an_account_stands(files: Files, owner_client: Client, strangers: Files) -> None:
    files.upload(b"x" * 10)
    files.upload(b"y" * 20)
    strangers.upload()
    limits = owner_client.get("/api/usage").json()["limits"]
    assert limits["max_files"] == {"limit": 200, "used": 2, "resets_at": None}
    assert limits["max_stored_bytes"] == {"limit": 10**9, "used": 30, "resets_at": None}
