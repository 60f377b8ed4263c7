"""A worker may be killed at any moment: what it was at is begun anew by another, and done once."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import psutil
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from chatbot_project.api import ids
from files.models import Stage, StoredFile
from knowledge.models import Chunk, Embedding, Source
from tests.files.live import Nursery, ended, found, is_gone, kill, status, upload
from tests.live import LiveAccount
from tests.servers import Server
from tests.waiting import wait_until

SECTIONS = 70  # one more batch than is embedded before the first report
TEXT = "".join(f"# Tide {number}\n\nThe moon.\n\n" for number in range(SECTIONS))
STAGES = [Stage.EXTRACTING, Stage.SPLITTING, Stage.EMBEDDING, Stage.STORING]
LIMIT = 60  # seconds


@pytest.fixture
def client(daphne: Server, live_owner: LiveAccount) -> httpx2.Client:
    return live_owner.client(daphne)


HOLD = """
CREATE FUNCTION refuse_when_free() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock(17); RAISE 'whoever waited is dead by now'; END $$;
CREATE TRIGGER held BEFORE UPDATE ON files_storedfile FOR EACH ROW
WHEN (OLD.id = '{id}' AND OLD.stage = '{stage}' AND NEW.stage IS DISTINCT FROM OLD.stage)
EXECUTE FUNCTION refuse_when_free()
"""


@contextmanager
def held_in(id: str, stage: Stage) -> Iterator[None]:
    """Whoever is at the file gets as far as the stage, and no further. It must not outlive the
    block."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(17)")
        cursor.execute(HOLD.format(id=ids.decode("file", id), stage=stage))
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(17)")
            cursor.execute("DROP FUNCTION refuse_when_free CASCADE")


@contextmanager
def nothing_is_stored() -> Iterator[None]:
    """Whoever stores chunks waits for the end of the block."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE knowledge_chunk IN EXCLUSIVE MODE")
        yield


def reached(id: str, stage: Stage) -> None:
    row = StoredFile.objects.filter(pk=ids.decode("file", id))
    wait_until(lambda: row.filter(stage=stage).exists(), stage, limit=LIMIT)


def let_lease_expire() -> None:
    StoredFile.objects.filter(due_at__isnull=False).update(due_at=Now())


@pytest.mark.parametrize("stages", [STAGES[:2], STAGES[2:]])
def test_killed_in_every_stage(
    client: httpx2.Client, live_owner: LiveAccount, nursery: Nursery, stages: list[Stage]
) -> None:
    """Twice each file: three deaths are the end of it."""
    id = upload(client, TEXT.encode(), "tides.md")["id"]
    left: list[psutil.Process] = []
    for stage in stages:
        with held_in(id, stage), nursery.worker() as doomed:
            reached(id, stage)
            left += doomed.children()
            kill(doomed)
        assert status(client, id)["status"] == "processing"
        let_lease_expire()
    with nursery.worker():
        shown = ended(client, id)
    assert (shown["status"], shown["chunks_created"]) == ("completed", SECTIONS)
    chunks = Chunk.objects.filter(audience=live_owner.user.id)
    assert chunks.count() == Embedding.objects.filter(source_id=ids.decode("file", id)).count()
    assert list(chunks.order_by("position").values_list("position", flat=True)) == [
        *range(SECTIONS)
    ]
    assert Source.objects.filter(owner=live_owner.user).count() == 1
    wait_until(lambda: all(map(is_gone, left)), "what the killed workers had started to end")


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_ended_while_it_is_stored(client: httpx2.Client, nursery: Nursery, end: str) -> None:
    """The last moment there is. The worker goes on with the next file."""
    id = upload(client, b"The tides.")["id"]
    path = f"/api/files/{id}"
    with nursery.worker() as alive:
        with nothing_is_stored():
            reached(id, Stage.STORING)
            asked = in_background(client, "DELETE" if end == "delete" else "POST", path, end)
        assert asked() in (200, 204, 409)
        other = upload(client, b"The moon.", "moon.txt")["id"]
        assert ended(client, other)["status"] == "completed"
        assert alive.is_running()
    shown = client.get(path)
    if end == "delete":
        assert shown.status_code == 404
        assert found(client, "tides") == []
    else:
        completed = shown.json()["status"] == "completed"
        assert len(found(client, "tides")) == completed


def in_background(client: httpx2.Client, method: str, path: str, end: str) -> Callable[[], int]:
    """The status of the answer to a call that may have to wait."""
    url = str(client.base_url.join(path if end == "delete" else f"{path}/{end}"))
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method, url]
    header = f"Authorization: {client.headers['Authorization']}"
    process: Any = subprocess.Popen([*command, "-H", header], stdout=subprocess.PIPE)
    return lambda: int(process.communicate(timeout=LIMIT)[0])
