"""Counting answers and tokens, and the month's quota of them."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models.deletion import RestrictedError
from django.test.utils import CaptureQueriesContext

from accounts import usage
from accounts.models import Tier, UsageDay, User
from accounts.services import create_api_key
from accounts.usage import check_token_quota, today
from chatbot_project.api.errors import QuotaExceeded


def counters(**which: Any) -> list[tuple[int, int, int]]:
    days = UsageDay.objects.filter(**which).order_by("id")
    return list(days.values_list("answers", "prompt_tokens", "completion_tokens"))


def record_answer(**used: Any) -> None:
    """As the statement does that ends an answer."""
    with connection.cursor() as cursor:
        cursor.execute(usage.ADD.format(condition="true"), usage.values(**used))


def spend(user: User, tokens: int, day: Any = None) -> None:
    UsageDay.objects.create(owner=user, day=day or today(), prompt_tokens=tokens)


def set_quota(user: User, tokens: int | None) -> None:
    Tier.objects.filter(pk=user.tier_id).update(tokens_per_month=tokens)
    user.tier.refresh_from_db()


def test_answers_add_up_by_key(owner: User) -> None:
    key, _ = create_api_key(owner)
    for api_key_id in (key.pk, key.pk, None, None):
        record_answer(
            owner_id=owner.pk, api_key_id=api_key_id, prompt_tokens=15, completion_tokens=25
        )
    assert counters(api_key=key) == [(2, 30, 50)]
    assert counters(api_key=None) == [(2, 30, 50)]
    assert {day.day for day in UsageDay.objects.all()} == {datetime.now(UTC).date()}


def test_it_is_one_statement(owner: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        record_answer(owner_id=owner.pk, api_key_id=None, prompt_tokens=1, completion_tokens=1)
    assert len(queries) == 1


def test_it_is_part_of_its_callers_transaction(owner: User) -> None:
    with transaction.atomic():
        record_answer(owner_id=owner.pk, api_key_id=None, prompt_tokens=1, completion_tokens=1)
        transaction.set_rollback(True)
    assert counters() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("with_key", [True, False])
def test_none_is_lost_when_many_count_at_once(owner: User, with_key: bool) -> None:
    api_key_id = create_api_key(owner)[0].pk if with_key else None
    together = Barrier(8)

    def count() -> None:
        together.wait(10)
        for _ in range(10):
            record_answer(
                owner_id=owner.pk, api_key_id=api_key_id, prompt_tokens=3, completion_tokens=4
            )
        connections.close_all()

    threads = [Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert counters() == [(80, 240, 320)]


def test_tokens_beyond_32_bits_are_counted(owner: User) -> None:
    for _ in range(2):
        record_answer(owner_id=owner.pk, api_key_id=None, prompt_tokens=2**40, completion_tokens=0)
    assert counters() == [(2, 2**41, 0)]


def test_a_key_with_usage_is_not_deleted_alone(owner: User) -> None:
    key, _ = create_api_key(owner)
    record_answer(owner_id=owner.pk, api_key_id=key.pk, prompt_tokens=1, completion_tokens=1)
    with pytest.raises(RestrictedError):
        key.delete()
    owner.delete()
    assert counters() == []


def test_below_the_quota_all_is_well(owner: User, stranger: User) -> None:
    set_quota(owner, 100)
    spend(owner, 99)
    spend(stranger, 1000)
    spend(owner, 1000, day=today().replace(day=1) - timedelta(days=1))
    check_token_quota(owner)


def test_the_quota_counts_all_keys_together(owner: User) -> None:
    set_quota(owner, 100)
    for key in (create_api_key(owner)[0].pk, None):
        record_answer(owner_id=owner.pk, api_key_id=key, prompt_tokens=25, completion_tokens=25)
    with pytest.raises(QuotaExceeded) as refusal:
        check_token_quota(owner)
    resets_at = datetime.fromisoformat(refusal.value.details.pop("resets_at"))
    assert refusal.value.details == {"quota": "tokens_per_month", "limit": 100, "used": 100}
    assert (resets_at.day, resets_at.hour, resets_at.utcoffset()) == (1, 0, timedelta(0))
    assert timedelta(0) < resets_at - datetime.now(UTC) <= timedelta(days=31)


def test_without_a_quota_nothing_is_asked(owner: User) -> None:
    set_quota(owner, None)
    with CaptureQueriesContext(connection) as queries:
        check_token_quota(owner)
    assert len(queries) == 0


def test_the_quota_is_one_query(owner: User) -> None:
    set_quota(owner, 100)
    with CaptureQueriesContext(connection) as queries:
        check_token_quota(owner)
    assert len(queries) == 1
