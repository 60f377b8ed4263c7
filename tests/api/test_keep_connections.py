"""The threads of short calls keep their connections, and give up those that are of no use."""

import asyncio

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from chatbot_project.api import threads
from chatbot_project.api.threads import SHORT_CALLS, in_database, in_view_thread
from knowledge.statements import run
from tests.live import end_kept_connections
from tests.waiting import wait_until

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


def test_a_call_that_failed_spoils_none() -> None:
    for _ in range(SHORT_CALLS * 5):
        with pytest.raises(DatabaseError):
            asyncio.run(in_database(fail))
    assert len(backends()) == 20


def test_one_that_is_lost_during_a_search_is_replaced() -> None:
    """A search speaks to psycopg itself: its errors must be Django's all the same."""

    async def lose() -> None:
        searching = asyncio.ensure_future(in_database(run, "SELECT pg_sleep(60)"))
        await asyncio.to_thread(cut_off)
        with pytest.raises(OperationalError):
            await searching

    for _ in range(SHORT_CALLS):
        asyncio.run(lose())
    assert len(backends()) == 20


def cut_off() -> None:
    wait_until(has_slept)
    end_others()
    connections.close_all()


def has_slept() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event = 'PgSleep')"
        )
        return bool(cursor.fetchone()[0])


def test_no_transaction_stays_open() -> None:
    for _ in range(SHORT_CALLS * 5):
        asyncio.run(in_database(leave_open))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        )
        assert cursor.fetchone()[0] == 0


def wait_for_lock() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7)")


def test_none_waits_long_for_a_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds it may be a machine that has lost its power."""
    monkeypatch.setattr(threads, "LOCK_TIMEOUT", "50ms")
    end_kept_connections()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7)")
        with pytest.raises(OperationalError, match="lock timeout"):
            asyncio.run(in_database(wait_for_lock))
    asyncio.run(in_database(wait_for_lock))


def lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def test_views_wait_for_locks_whoever_had_their_connection_before() -> None:
    """A call that has failed gives its connection back; the pool hands out all it has in turn."""
    for _ in range(SHORT_CALLS * 3):
        with pytest.raises(DatabaseError):
            asyncio.run(in_database(fail))
    found = {asyncio.run(in_view_thread(lock_timeout)) for _ in range(30)}
    assert found == {"0"}
    assert asyncio.run(in_database(lock_timeout)) == threads.LOCK_TIMEOUT
