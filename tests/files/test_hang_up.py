"""Who hangs up during an upload leaves no bytes."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import RequestFactory

from accounts.models import User
from chatbot_project.api.callers import Caller
from files import storage, tasks, views
from files.models import Orphan, StoredFile
from files.uploads import Upload
from tests.files.calling import TIDES


@pytest.mark.parametrize("failure", [None, ValueError])
def test_the_bytes_go(
    owner: User, folder: Path, tmp_path: Path, monkeypatch: Any, failure: type[Exception] | None
) -> None:
    begun, hung_up, save = threading.Event(), threading.Event(), storage.save

    def slowly(key: str, content: Any) -> None:
        begun.set()
        assert hung_up.wait(10)
        save(key, content)
        if failure:
            raise failure

    monkeypatch.setattr(storage, "save", slowly)
    (tmp_path / "upload").write_bytes(TIDES)
    request: Any = RequestFactory().post("/api/files/upload")
    request.caller = Caller(owner.id, owner, None, None, 100)

    async def upload() -> None:
        with (tmp_path / "upload").open("rb") as content:
            await views.add(request, Upload("tides.txt", content, len(TIDES), "0" * 64))

    @async_to_sync
    async def hang_up() -> None:
        uploading = asyncio.ensure_future(upload())
        assert await asyncio.to_thread(begun.wait, 10)
        uploading.cancel()
        await asyncio.sleep(0)
        hung_up.set()
        with pytest.raises(asyncio.CancelledError):
            await uploading

    others = set(Orphan.objects.values_list("pk", flat=True))
    orphans = Orphan.objects.exclude(pk__in=others)
    hang_up()
    assert (StoredFile.objects.filter(owner=owner).count(), orphans.count()) == (0, 1)
    assert [path for path in folder.rglob("*") if path.is_file()]
    tasks.sweep_files()
    assert orphans.count() == 0
    assert not [path for path in folder.rglob("*") if path.is_file()]
