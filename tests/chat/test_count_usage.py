"""Usage is the provider's; where it sends none that makes sense, it is counted."""

import httpx2
import pytest

from accounts.models import UsageDay
from tests.chat.asking import ask, history, streaming
from tests.live import LiveAccount
from tests.upstream import Script, Upstream, words

PIECES = words(6)
NONSENSE = [
    False,
    {},
    {"total_tokens": 9},
    {"prompt_tokens": None, "completion_tokens": 6},
    {"prompt_tokens": "many", "completion_tokens": 6},
    {"prompt_tokens": -1, "completion_tokens": 6},
    {"prompt_tokens": 10**30, "completion_tokens": 6},
]


def streamed_usage(client: httpx2.Client, model: str, message: str = "Hello") -> dict[str, int]:
    with streaming(client, model, message=message) as stream:
        usage: dict[str, int] = list(stream)[-1].data["usage"]
    return usage


def test_it_is_the_providers(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(PIECES))
    expected = {"prompt_tokens": 3, "completion_tokens": 6, "total_tokens": 9}
    answer = ask(client, model, message="One two three")
    assert answer["usage"] == expected
    assert streamed_usage(client, model, message="One two three") == expected
    assert history(client, answer["id"])[-1]["usage"] == expected


@pytest.mark.parametrize("usage", NONSENSE, ids=str)
def test_it_is_counted_where_none_is_sent(
    usage: bool | dict[str, object], client: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(["The quick brown fox"], usage=usage))
    for counted in (ask(client, model)["usage"], streamed_usage(client, model)):
        assert counted["completion_tokens"] == 4
        assert counted["prompt_tokens"] >= 1
        assert counted["total_tokens"] == counted["prompt_tokens"] + 4


def test_it_is_added_up_by_day_and_key(
    client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    model = upstream.model(Script(PIECES))
    ask(client, model, message="One two three")
    streamed_usage(client, model, message="One")
    days = UsageDay.objects.filter(owner=live_owner.user)
    assert sum(day.answers for day in days) == 2
    assert sum(day.prompt_tokens for day in days) == 4
    assert sum(day.completion_tokens for day in days) == 12
    assert {day.api_key_id for day in days} == {live_owner.user.api_keys.get().id}
