"""GET /api/usage: what an account used, by day and key, and what its tier allows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts import counters
from accounts.models import ApiKey, UsageDay, User
from accounts.usage import month_resets_at, tokens_this_month
from chatbot_project.api import ids
from chatbot_project.api.errors import InvalidRequest
from chatbot_project.api.limits import Usage

MAX_ROWS = 20_000
COUNTERS = ("answers", "prompt_tokens", "completion_tokens")
FIELDS = ("day", "api_key_id", "api_key__name", "api_key__last_four", *COUNTERS)
# The tier's limits that other apps count, if anybody does: see `counters`.
COUNTED_ELSEWHERE = (
    "concurrent_answers",
    "max_file_bytes",
    "max_files",
    "max_stored_bytes",
    "max_endpoints",
)


def usage_report(user: User, first: date, last: date, requests: Usage | None) -> dict[str, Any]:
    """The answer's body. `requests` is where this minute's rate limit stands, if it is known."""
    results = rows(user, first, last)
    return {
        "from": first,
        "to": last,
        "results": results,
        "totals": with_total({name: sum(row[name] for row in results) for name in COUNTERS}),
        "tier": user.tier.name,
        "limits": limits(user, requests),
    }


def rows(user: User, first: date, last: date) -> list[dict[str, Any]]:
    """Newest day first. Raises InvalidRequest for more than MAX_ROWS."""
    days = UsageDay.objects.filter(owner=user, day__range=(first, last))
    found = days.order_by("-day", "-api_key__created_at", "id").values_list(*FIELDS)
    listed = list(found[: MAX_ROWS + 1])
    if len(listed) > MAX_ROWS:
        reason = f"That is more than {MAX_ROWS:,} rows: ask for fewer days."
        raise InvalidRequest(invalid_fields={"from": [reason]})
    return [row(*values) for values in listed]


def row(day: date, key_id: Any, name: str, last_four: str, *counts: int) -> dict[str, Any]:
    key = key_id and {"id": ids.encode("key", key_id), "name": name, "last_four": last_four}
    return {"day": day, "api_key": key, **with_total(dict(zip(COUNTERS, counts, strict=True)))}


def with_total(counts: dict[str, int]) -> dict[str, int]:
    return {**counts, "total_tokens": counts["prompt_tokens"] + counts["completion_tokens"]}


def limits(user: User, requests: Usage | None) -> dict[str, dict[str, Any]]:
    tier = user.tier
    keys = ApiKey.objects.usable().filter(owner=user).count()
    return {
        "requests_per_minute": requests_per_minute(tier.requests_per_minute, requests),
        "tokens_per_month": standing(
            tier.tokens_per_month, tokens_this_month(user.pk), month_resets_at()
        ),
        "max_api_keys": standing(tier.max_api_keys, keys),
        **{
            name: standing(getattr(tier, name), counters.used(name, user))
            for name in COUNTED_ELSEWHERE
        },
    }


def requests_per_minute(limit: int, requests: Usage | None) -> dict[str, Any]:
    if requests is None:
        return standing(limit)
    resets_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=requests.resets_in)
    used = requests.limit - requests.remaining
    return standing(limit, used, f"{resets_at:%Y-%m-%dT%H:%M:%SZ}")


def standing(
    limit: int | None, used: int | None = None, resets_at: str | None = None
) -> dict[str, Any]:
    """None for `limit`: there is none; `used`: not counted here; `resets_at`: it never does."""
    return {"limit": limit, "used": used, "resets_at": resets_at}
