"""A file is deleted while others with its bytes come to be: none waits for ever, none fails."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from files import claims, processing, services
from files.models import StoredFile
from knowledge.models import Source
from knowledge.services import copy_source
from tests.files.calling import TIDES, Files, work
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def beside() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """`beside(call)` runs it in a thread with a connection of its own."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        yield lambda call: thread.submit(run, call)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_while_its_chunks_are_copied(files: Files, beside: Any) -> None:
    ids = [files.upload()["id"] for _ in range(2)]
    processing.process_next()
    first = StoredFile.objects.get(duplicate_of=None)
    taken = claims.take()
    assert taken
    with transaction.atomic():
        held = processing.hold(taken)
        deleting = beside(partial(services.delete_file, first))
        wait_until(somebody_waits)
        source = processing.source_of(held)
        copy_source(Source.objects.get(pk=first.pk), source)
        processing.complete(held, source)
    deleting.result()
    work()
    assert files.found() == [ids[1]]
    assert files.get(f"/{ids[1]}")["duplicate_of"] is None


def test_while_the_same_bytes_are_uploaded(owner: User, files: Files, beside: Any) -> None:
    files.upload()
    first = StoredFile.objects.get()
    with transaction.atomic():
        second = StoredFile.objects.create(
            owner=owner, filename="b.txt", size=len(TIDES), sha256=first.sha256, duplicate_of=first
        )
        beside(partial(services.delete_file, first)).result()
    files.patch(second.public_id, description="Still there.")
    files.delete(second.public_id)
