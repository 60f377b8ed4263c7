"""GET /api/usage: by day and key, the totals, and where the limits stand."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, UsageDay, User
from accounts.services import create_api_key, revoke_api_key
from accounts.usage import today
from accounts.views import EXAMPLE
from chatbot_project.api import ids

PERIOD = "?from=2025-01-01&to=2025-01-31"
NOTHING = {"answers": 0, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def spend(owner: User, day: date, key: ApiKey | None = None) -> None:
    counts = {"answers": 2, "prompt_tokens": 15, "completion_tokens": 25}
    UsageDay.objects.create(owner=owner, day=day, api_key=key, **counts)


def get(client: Client, query: str = "") -> Any:
    response = client.get(f"/api/usage{query}")
    assert response.status_code == 200, response.content
    return response.json()


def test_it_lists_days_and_keys(owner_client: Client, owner: User) -> None:
    key, _ = create_api_key(owner, "Website")
    spend(owner, date(2025, 1, 6), key)
    spend(owner, date(2025, 1, 7))
    used = {"answers": 2, "prompt_tokens": 15, "completion_tokens": 25, "total_tokens": 40}
    shown = {"id": ids.encode("key", key.pk), "name": "Website", "last_four": key.last_four}
    usage = get(owner_client, PERIOD)
    assert (usage["from"], usage["to"]) == ("2025-01-01", "2025-01-31")
    assert usage["results"] == [
        {"day": "2025-01-07", "api_key": None, **used},
        {"day": "2025-01-06", "api_key": shown, **used},
    ]
    assert usage["totals"] == {name: 2 * count for name, count in used.items()}


def test_both_ends_belong_to_the_period(owner_client: Client, owner: User) -> None:
    for day in ("2024-12-31", "2025-01-01", "2025-01-31", "2025-02-01"):
        spend(owner, date.fromisoformat(day))
    days = [row["day"] for row in get(owner_client, PERIOD)["results"]]
    assert days == ["2025-01-31", "2025-01-01"]


def test_it_shows_nothing_of_others(stranger_client: Client, owner: User) -> None:
    spend(owner, date(2025, 1, 6))
    usage = get(stranger_client, PERIOD)
    assert (usage["results"], usage["totals"]) == ([], NOTHING)


def test_the_default_is_this_month(owner_client: Client, owner: User) -> None:
    first = today().replace(day=1)
    spend(owner, today())
    spend(owner, first - timedelta(days=1))
    usage = get(owner_client)
    assert (usage["from"], usage["to"]) == (str(first), str(today()))
    assert [row["day"] for row in usage["results"]] == [str(today())]


@pytest.mark.parametrize(
    ("query", "period"),
    [
        ("?to=2025-01-06", ("2025-01-01", "2025-01-06")),
        ("?from=2024-01-01&to=2024-12-31", ("2024-01-01", "2024-12-31")),  # 366 days
        ("?from=0001-01-01&to=0001-01-01", ("0001-01-01", "0001-01-01")),
        ("?from=9999-12-31&to=9999-12-31", ("9999-12-31", "9999-12-31")),
    ],
)
def test_periods(owner_client: Client, query: str, period: tuple[str, str]) -> None:
    usage = get(owner_client, query)
    assert (usage["from"], usage["to"]) == period


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=2025-02-30", "from"),
        ("?to=yesterday", "to"),
        ("?from=", "from"),
        ("?to=20250106", "to"),
        ("?to=2025-01-06T00:00:00Z", "to"),
        ("?from=2025-01-07&to=2025-01-06", "from"),
        ("?from=2024-01-01&to=2025-01-01", "from"),  # 367 days
        ("?to=99999-01-01", "to"),
        ("?to=2025-01-06&form=2025-01-01", "form"),
    ],
)
def test_bad_periods_are_refused(owner_client: Client, query: str, field: str) -> None:
    response = owner_client.get(f"/api/usage{query}")
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "INVALID_REQUEST")
    assert list(error["details"]["invalid_fields"]) == [field]


def test_it_says_where_the_limits_stand(owner_client: Client, owner: User) -> None:
    revoke_api_key(create_api_key(owner)[0])
    spend(owner, today())
    spend(owner, today().replace(day=1) - timedelta(days=1))
    usage = get(owner_client, PERIOD)
    limits = usage["limits"]
    assert usage["tier"] == "standard"
    assert limits["max_api_keys"] == {"limit": 10, "used": 1, "resets_at": None}
    resets_at = limits["tokens_per_month"].pop("resets_at")
    assert limits["tokens_per_month"] == {"limit": 1_000_000, "used": 40}
    assert datetime.fromisoformat(resets_at).day == 1
    assert limits["max_stored_bytes"] == {"limit": 10**9, "used": 0, "resets_at": None}


def test_the_minutes_requests_agree_with_the_headers(owner_client: Client) -> None:
    owner_client.get("/api/usage")
    response = owner_client.get("/api/usage")
    minute = response.json()["limits"]["requests_per_minute"]
    assert (minute["limit"], minute["used"]) == (100, 2)
    assert response["X-RateLimit-Remaining"] == "98"
    resets_at = datetime.fromisoformat(minute["resets_at"]).timestamp()
    assert abs(resets_at - int(response["X-RateLimit-Reset"])) <= 1


def test_a_tier_without_a_quota_says_so(make_user: Any, make_client: Any) -> None:
    client = make_client(make_user("big@example.com", tier="enterprise"))
    tokens = get(client)["limits"]["tokens_per_month"]
    assert (tokens["limit"], tokens["used"]) == (None, 0)


def test_any_key_may_ask(owner: User, make_client: Any) -> None:
    assert get(make_client(owner, ["files:read"]))


def test_the_documented_example_has_the_answers_shape(owner_client: Client, owner: User) -> None:
    spend(owner, date(2025, 1, 6), create_api_key(owner)[0])
    usage = get(owner_client, PERIOD)
    assert shape(usage) == shape(EXAMPLE)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else None
