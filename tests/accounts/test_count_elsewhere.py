"""What other apps count against a tier's limits stands in GET /api/usage."""

from django.test import Client

from accounts.models import User
from webhooks.services import create_endpoint


def test_endpoints_and_answers_in_the_making(owner_client: Client, owner: User) -> None:
    for _ in range(2):
        create_endpoint(owner, url="https://no-such-name.invalid/", events=["*"])
    limits = owner_client.get("/api/usage").json()["limits"]
    assert limits["max_endpoints"] == {"limit": 5, "used": 2, "resets_at": None}
    assert limits["concurrent_answers"] == {"limit": 3, "used": 0, "resets_at": None}


def test_what_nobody_counts(owner_client: Client) -> None:
    limits = owner_client.get("/api/usage").json()["limits"]
    assert limits["max_file_bytes"]["used"] is None
