"""A file becomes knowledge: uploaded, processed, found."""

from pathlib import Path

from accounts.models import User
from knowledge.models import Chunk, Source
from tests.files.calling import TIDES, Files, work


def test_it_is_found_once_it_is_processed(owner: User, files: Files, folder: Path) -> None:
    uploaded = files.upload(tags=["sea", "moon"], description="On tides")
    assert (uploaded["status"], uploaded["stage"], uploaded["progress"]) == (
        "processing",
        "queued",
        0,
    )
    assert files.found() == []
    assert work() == 1
    status = files.status(uploaded["id"])
    assert (status["status"], status["chunks_created"], status["error"]) == ("completed", 1, None)
    assert (status["stage"], status["progress"]) == ("done", 100)
    assert status["processed_at"]
    assert files.found() == [uploaded["id"]]
    source = Source.objects.get()
    assert (source.public_id, source.filename, source.title) == (
        uploaded["id"],
        "tides.txt",
        "tides",
    )
    assert (source.tags, source.owner, source.source_type) == (["sea", "moon"], owner, "document")
    assert [chunk.content for chunk in Chunk.objects.all()] == [TIDES.decode()]
    [stored] = [path for path in folder.rglob("*") if path.is_file()]
    assert stored.read_bytes() == TIDES
