"""Of a deleted file nothing is left, whatever was in progress."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from accounts.models import User
from chatbot_project.api import ids
from files import claims, processing, services, storage, tasks
from files.claims import Superseded
from files.models import Orphan, StoredFile
from knowledge import slots
from knowledge.models import Chunk, Embedding, Source, TermStat
from tests.files.calling import Files, work

LATER = timedelta(hours=2)


def bytes_left(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def rows_left() -> list[int]:
    models: list[Any] = [StoredFile, Source, Chunk, Embedding, TermStat, Orphan]
    return [model.objects.count() for model in models]


def test_nothing_is_left(files: Files, folder: Path) -> None:
    id = files.upload()["id"]
    work()
    assert files.found() == [id]
    files.delete(id)
    assert files.found() == []
    assert files.call("get", f"/{id}/download").status_code == 404
    tasks.delete_bytes()
    assert bytes_left(folder) == []
    assert rows_left() == [0] * 6
    assert files.call("delete", f"/{id}").status_code == 404


def test_bytes_in_a_folder_go_at_once(
    files: Files, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    id = files.upload()["id"]
    with django_capture_on_commit_callbacks(execute=True):
        files.delete(id)
    assert bytes_left(folder) == []
    assert rows_left() == [0] * 6


def test_what_fails_after_the_commit_is_left_to_workers(
    files: Files, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    id = files.upload()["id"]
    with django_capture_on_commit_callbacks() as hooks:
        files.delete(id)
    [hook] = hooks
    assert hook.__qualname__  # Django logs which one failed, and goes on
    tasks.delete_bytes()
    assert bytes_left(folder) == []


def test_a_worker_is_called_for_those_in_a_bucket(
    files: Files,
    empty_redis: redis.Redis,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    id = files.upload()["id"]
    settings.S3_BUCKET = "files"
    with django_capture_on_commit_callbacks(execute=True):
        files.delete(id)
    [called] = empty_redis.lrange("celery", 0, -1)
    assert json.loads(called)["headers"]["task"] == tasks.delete_bytes.name


def test_while_it_waits(files: Files, folder: Path) -> None:
    files.delete(files.upload()["id"])
    assert work() == 0
    tasks.delete_bytes()
    assert bytes_left(folder) == []


def test_while_it_is_processed(files: Files, folder: Path) -> None:
    id = files.upload()["id"]
    taken = claims.take()
    assert taken
    files.delete(id)
    with pytest.raises(Superseded):
        taken.reach()
    with pytest.raises(Superseded):
        processing.store(taken, [])
    with pytest.raises(Superseded):
        processing.process(taken)
    assert rows_left() == [0] * 5 + [1]
    tasks.delete_bytes()
    assert bytes_left(folder) == []


def test_with_its_account(files: Files, folder: Path, owner: User) -> None:
    files.upload()
    work()
    owner.delete()
    assert len(bytes_left(folder)) == 1
    tasks.sweep_files()
    assert bytes_left(folder) == []
    assert rows_left() == [0] * 6


def test_in_the_admin(files: Files, folder: Path, staff_browser: Client) -> None:
    for content in (b"one", b"two", b"three"):
        files.upload(content)
    work()
    first, *others = StoredFile.objects.all()
    url = "/admin/files/storedfile/"
    staff_browser.post(f"{url}{first.pk}/delete/", {"post": "yes"})
    tasks.delete_bytes()
    assert StoredFile.objects.count() == len(bytes_left(folder)) == Source.objects.count() == 2
    chosen = {"action": "delete_selected", "_selected_action": [file.pk for file in others]}
    staff_browser.post(url, {**chosen, "post": "yes"})
    tasks.delete_bytes()
    assert bytes_left(folder) == []
    assert rows_left() == [0] * 6


def test_where_storage_fails_the_sweep_tries_again(
    files: Files, folder: Path, monkeypatch: Any
) -> None:
    def fail(key: str) -> None:
        raise OSError("no route")

    id = files.upload()["id"]
    with monkeypatch.context() as broken:
        broken.setattr(storage, "delete", fail)
        files.delete(id)
        tasks.delete_bytes()
    assert files.call("get", f"/{id}").status_code == 404
    assert len(bytes_left(folder)) == Orphan.objects.count() == 1
    Orphan.objects.update(due_at=Now())
    tasks.sweep_files()
    assert (bytes_left(folder), Orphan.objects.count()) == ([], 0)


def test_bytes_that_nobody_can_delete_hold_up_no_others(folder: Path, db: None) -> None:
    first, *_ = orphans = [Orphan(id=ids.uuid7(), due_at=Now()) for _ in range(3)]
    first.due_at = Now() - timedelta(minutes=1)
    Orphan.objects.bulk_create(orphans)
    stuck = folder / first.key
    stuck.mkdir(parents=True)
    (stuck / "more").touch()
    tasks.sweep_files()
    assert Orphan.objects.count() == 3
    assert not Orphan.objects.filter(due_at__lte=Now()).exists()  # it may be storage: all wait
    Orphan.objects.update(due_at=F("due_at") - services.PAUSE)
    tasks.sweep_files()
    assert Orphan.objects.get().pk == first.pk


def test_one_worker_at_a_time_deletes_bytes(db: None) -> None:
    Orphan.objects.create(id=ids.uuid7(), due_at=Now())
    with slots.slot(["orphans"]):
        tasks.sweep_files()
        assert Orphan.objects.exists()
    tasks.sweep_files()
    assert not Orphan.objects.exists()


def test_bytes_of_an_upload_that_never_ended(files: Files, folder: Path) -> None:
    """The process died between storing the bytes and making the file."""
    orphan = Orphan.objects.create(id=ids.uuid7(), due_at=Now() + LATER)
    path = folder / orphan.key
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half")
    tasks.sweep_files()
    assert path.exists()  # it may be still at it
    Orphan.objects.update(due_at=Now())
    tasks.sweep_files()
    assert not path.exists()
    assert Orphan.objects.count() == 0


def test_bytes_that_have_a_file_by_now_stay(owner: User, folder: Path, files: Files) -> None:
    """The sweep saw them as nobody's, just before their upload ended."""
    id = files.upload()["id"]
    seen = Orphan(id=ids.decode("file", id), due_at=timezone.now())
    services.remove(seen)
    assert len(bytes_left(folder)) == 1


def test_bytes_that_are_not_due_any_more_stay(owner: User, folder: Path) -> None:
    orphan = Orphan.objects.create(id=ids.uuid7(), due_at=Now() + LATER)
    services.remove(orphan)
    assert Orphan.objects.filter(pk=orphan.pk, taken=False).exists()
