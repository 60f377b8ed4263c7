"""The threads of short calls keep their connections, and give up those that are of no use."""

import asyncio

import pytest
from django.db import DatabaseError, connection, transaction

from chatbot_project.api.threads import SHORT_CALLS, in_database
from tests.live import end_kept_connections

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def new_connections() -> None:
    end_kept_connections()


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def backends(calls: int = 20) -> list[int]:
    """The servers' processes behind so many calls one after the other."""

    async def call() -> list[int]:
        return [await in_database(backend) for _ in range(calls)]

    return asyncio.run(call())


def fail() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")


def leave_open() -> None:
    transaction.set_autocommit(False)
    backend()


def end_others() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_many_calls_share_few() -> None:
    assert len(set(backends())) <= SHORT_CALLS


def test_those_that_the_server_ended_are_replaced() -> None:
    before = set(backends())
    end_others()
    assert not before & set(backends())


def test_a_call_that_failed_takes_its_own_along() -> None:
    before = set(backends())
    for _ in range(SHORT_CALLS * 5):
        with pytest.raises(DatabaseError):
            asyncio.run(in_database(fail))
    assert not before & set(backends())


def test_no_transaction_stays_open() -> None:
    for _ in range(SHORT_CALLS * 5):
        asyncio.run(in_database(leave_open))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        )
        assert cursor.fetchone()[0] == 0
