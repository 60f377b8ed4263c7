"""However processing goes, it comes to an end that says what happened."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from accounts.models import User
from chatbot_project import celery
from files import claims, processing, storage, tasks, waking
from files.claims import Superseded
from files.models import Stage, StoredFile
from knowledge import remote_embedder, slots
from knowledge.models import Chunk, EmbeddingModel, Source
from tests.files.calling import Files, work
from tests.files.test_extract_office import zipped

HOUR = timedelta(hours=1)


@pytest.fixture
def file(files: Files) -> str:
    id: str = files.upload()["id"]
    return id


def lapse() -> None:
    """As if a lease's time had passed."""
    StoredFile.objects.filter(due_at__isnull=False).update(due_at=Now())


def test_a_reason_for_people(files: Files) -> None:
    id = files.upload(b" \n ")["id"]
    work()
    status = files.status(id)
    assert (status["status"], status["chunks_created"]) == ("failed", 0)
    assert status["error"].startswith("No text found")
    assert status["processed_at"]


def test_a_worker_that_died(files: Files, file: str) -> None:
    dead = claims.take()
    assert dead
    assert work() == 0  # its lease is running
    lapse()
    assert work() == 1
    assert files.status(file)["status"] == "completed"
    with pytest.raises(Superseded):  # if it lives after all
        processing.store(dead, [])
    assert Chunk.objects.count() == 1


@pytest.mark.parametrize("stage", ["extract", "prepare", "index_source", "complete"])
def test_a_file_that_kills_its_worker_three_times(
    files: Files, file: str, stage: str, monkeypatch: Any
) -> None:
    begun = []

    def die(*args: Any, **kwargs: Any) -> None:
        begun.append(stage)
        raise SystemExit

    with monkeypatch.context() as deadly:
        deadly.setattr(processing, stage, die)
        for _ in range(3):
            with pytest.raises(SystemExit):
                work()
            lapse()
        work()
    status = files.status(file)
    assert (status["status"], status["error"], len(begun)) == ("failed", processing.DIED, 3)
    assert Chunk.objects.count() == 0
    files.post(file, "reprocess")
    work()
    assert files.status(file)["status"] == "completed"


@pytest.fixture
def worker() -> Iterator[None]:
    """May be asked to end, by celery.note_stopping()."""
    yield
    celery._stopping[0] = 0


def test_workers_that_are_asked_to_end_do_not_count(files: Files, file: str, worker: None) -> None:
    celery.note_stopping()
    for _ in range(processing.MOST_ATTEMPTS + 1):
        assert processing.process_next()
        waiting = StoredFile.objects.get()
        assert (waiting.claim, waiting.attempts, waiting.failures) == (None, 0, 0)
    status = files.status(file)
    assert (status["status"], status["stage"], status["progress"]) == ("processing", "queued", 0)
    celery._stopping[0] = 0
    work()
    assert files.status(file)["status"] == "completed"


def test_a_worker_that_is_asked_to_end_while_it_reads(file: str, worker: None) -> None:
    taken = claims.take()
    assert taken
    taken.look()
    celery.note_stopping()
    taken.looked -= claims.LOOK
    with pytest.raises(Superseded):
        taken.look()
    assert claims.any_due()


@pytest.fixture
def no_embedder(settings: Any, monkeypatch: Any) -> Any:
    """The settings, whose embedder cannot be reached."""
    monkeypatch.setattr(remote_embedder, "RETRY_DELAYS", [])
    settings.EMBEDDED_EMBEDDINGS = False
    settings.EMBEDDINGS_BASE_URL = "http://127.0.0.1:9/v1"
    settings.EMBEDDINGS_API_KEY = "tests"
    return settings


def test_an_embedder_that_is_down(files: Files, file: str, no_embedder: Any) -> None:
    work()
    waiting = StoredFile.objects.annotate(now=Now()).get()
    assert (waiting.status, waiting.failures, waiting.claim) == ("processing", 1, None)
    assert waiting.due_at
    assert 0 < (waiting.due_at - waiting.now).total_seconds() <= processing.PAUSES[0]
    for _ in processing.PAUSES:
        lapse()
        work()
    status = files.status(file)
    assert (status["status"], status["error"]) == ("failed", processing.NO_EMBEDDER)


def test_an_embedder_that_comes_back(files: Files, file: str, no_embedder: Any) -> None:
    work()
    no_embedder.EMBEDDED_EMBEDDINGS = True
    lapse()
    work()
    assert files.status(file)["status"] == "completed"


def test_an_embedder_that_has_changed(files: Files, file: str) -> None:
    work()
    EmbeddingModel.objects.update(dimensions=7)
    other = files.upload(b"The moon moves the sea.")["id"]
    work()
    status = files.status(other)
    assert (status["status"], work()) == ("failed", 0)
    assert "another length than before: run manage.py reembed" in status["error"]
    assert StoredFile.objects.get(status="failed").attempts == 1


def test_storage_that_cannot_be_reached(files: Files, file: str, monkeypatch: Any) -> None:
    def fail(key: str) -> None:
        raise OSError

    monkeypatch.setattr(storage, "local_copy", fail)
    for _ in range(1 + len(processing.PAUSES)):
        work()
        lapse()
    assert files.status(file)["error"] == processing.NO_STORAGE


def test_a_database_that_fails_for_a_while(files: Files, file: str, monkeypatch: Any) -> None:
    def fail(*args: Any) -> None:
        raise OperationalError

    with monkeypatch.context() as failing:
        failing.setattr(processing, "index_source", fail)
        for _ in processing.PAUSES:
            work()
            lapse()
    waiting = StoredFile.objects.get()
    assert (waiting.status, waiting.failures, waiting.attempts) == ("processing", 4, 0)
    work()
    assert files.status(file)["status"] == "completed"


def test_a_lost_connection_does_not_end_the_renewal_of_a_lease(monkeypatch: Any) -> None:
    over, tries = Event(), []

    def row() -> None:
        tries.append(1)
        if len(tries) == 2:
            over.set()
        raise InterfaceError

    monkeypatch.setattr(claims, "RENEWAL", 0.01)
    work: Any = SimpleNamespace(row=row)
    renewing = Thread(target=claims.Work.renew_until, args=[work, over])
    renewing.start()
    renewing.join()
    assert len(tries) == 2


def test_cancelled_while_it_waits(files: Files, file: str) -> None:
    shown = files.post(file, "cancel")
    assert (shown["status"], shown["error"]) == ("failed", "Processing was cancelled.")
    assert shown["processed_at"]
    assert work() == 0
    assert files.call("post", f"/{file}/cancel").status_code == 409


def test_cancelled_while_it_is_processed(files: Files, file: str) -> None:
    taken = claims.take()
    assert taken
    files.post(file, "cancel")
    with pytest.raises(Superseded):
        processing.process(taken)
    assert files.status(file)["error"] == "Processing was cancelled."
    assert Source.objects.count() == 0


def test_made_anew(files: Files, file: str) -> None:
    assert files.call("post", f"/{file}/reprocess").status_code == 409
    work()
    before = set(Chunk.objects.values_list("pk"))
    shown = files.post(file, "reprocess")
    assert (shown["status"], shown["progress"], shown["error"]) == ("processing", 0, None)
    assert files.found() == [file]  # until the new ones are there
    work()
    after = set(Chunk.objects.values_list("pk"))
    assert len(after) == 1
    assert not after & before
    assert files.found() == [file]


def test_cancelled_as_it_is_made_anew(files: Files, file: str) -> None:
    work()
    files.post(file, "reprocess")
    shown = files.post(file, "cancel")
    assert (shown["status"], shown["chunks_created"]) == ("failed", 1)
    assert files.found() == [file]


def test_failed_as_it_is_made_anew(files: Files, file: str, no_embedder: Any) -> None:
    no_embedder.EMBEDDED_EMBEDDINGS = True
    work()
    files.post(file, "reprocess")
    no_embedder.EMBEDDED_EMBEDDINGS = False
    for _ in range(1 + len(processing.PAUSES)):
        work()
        lapse()
    status = files.status(file)
    assert (status["error"], status["chunks_created"]) == (processing.NO_EMBEDDER, 1)
    no_embedder.EMBEDDED_EMBEDDINGS = True
    assert files.found() == [file]
    files.delete(file)
    assert files.found() == []


def test_progress_is_shown(files: Files, file: str) -> None:
    taken = claims.take()
    assert taken
    taken.reach(Stage.EMBEDDING, 40)
    status = files.status(file)
    assert (status["status"], status["stage"], status["progress"]) == (
        "processing",
        "embedding",
        40,
    )


def test_a_look_is_taken_once_a_second(file: str) -> None:
    taken = claims.take()
    assert taken
    taken.row().update(due_at=Now())
    taken.look()
    assert claims.any_due()
    taken.looked -= claims.LOOK
    taken.look()
    assert not claims.any_due()


def test_nobody_waits_for_another_accounts_files(files: Files, strangers: Files) -> None:
    for content in (b"one", b"two", b"three"):
        files.upload(content)
    last = strangers.upload()["id"]
    claims.take()
    taken = claims.take()
    assert taken
    assert taken.file.public_id == last


def test_one_at_a_time_accounts_have_turns_by_lot(
    files: Files, strangers: Files, owner: User
) -> None:
    """Nobody has any in work when the next one is taken. One of two accounts: that its only file is
    not among the first forty happens once in 2 ** 40 times."""
    waiting = [StoredFile(owner=owner, size=1, due_at=Now()) for _ in range(100)]
    StoredFile.objects.bulk_create(waiting)
    last = strangers.upload()["id"]
    for _ in range(40):
        taken = claims.take()
        assert taken
        if taken.file.public_id == last:
            return
        taken.row().update(due_at=None, claim=None)
    pytest.fail("A hundred files of one account hold up the one of another.")


def test_the_sweep_calls_for_what_nobody_was_called_for(
    file: str, empty_redis: redis.Redis
) -> None:
    tasks.sweep_files()
    assert empty_redis.llen("celery") == 1
    work()
    tasks.sweep_files()
    assert empty_redis.llen("celery") == 1


def test_who_calls_for_the_next_file_holds_no_slot(files: Files, monkeypatch: Any) -> None:
    for content in (b"one", b"two"):
        files.upload(content)
    free = []

    def called() -> None:
        with slots.slot(tasks.largest_by_slot()) as one:
            free.append(one)

    monkeypatch.setattr(waking, "wake", called)
    tasks.process_files()
    assert free == ["file-0"]
    assert claims.any_due()


def test_what_is_packed_is_not_small(files: Files) -> None:
    packed = files.upload(zipped({"word/document.xml": "Tides."}), "tides.docx")["id"]
    assert claims.take(tasks.SMALL) is None
    taken = claims.take()
    assert taken
    assert taken.file.public_id == packed


def test_a_small_file_waits_for_no_large_one(files: Files, monkeypatch: Any) -> None:
    monkeypatch.setattr(tasks, "SMALL", 10)
    large, small = files.upload(b"The tides of May.")["id"], files.upload(b"Tides.")["id"]
    with slots.slot(["file-0"]):  # as whoever is at a large one
        tasks.process_files()
        tasks.process_files()
        assert [files.status(id)["status"] for id in (large, small)] == ["processing", "completed"]
        with slots.slot(["small-file"]):  # as whoever is at a small one
            tasks.process_files()
    assert files.status(large)["status"] == "processing"
    tasks.process_files()
    assert files.status(large)["status"] == "completed"
