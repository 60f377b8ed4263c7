"""Files in a bucket: a server that speaks S3 over HTTP, told apart from the folder by settings."""

# moto is untyped.
# mypy: disable-error-code="no-untyped-call"

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.db.models.functions import Now
from moto.server import ThreadedMotoServer

from chatbot_project.storages import files_in_bucket
from files import storage, tasks
from files.bucket import PATIENCE, BucketStorage
from files.models import Orphan, StoredFile
from tests.files.calling import TIDES, Files, work
from tests.files.test_download_file import body_of

KEYS = {"access_key": "tests", "secret_key": "tests"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Its address."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def bucket(server: str, settings: Any) -> Any:
    """The bucket that the settings name, as boto3 has it."""
    names = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
    s3 = boto3.resource("s3", endpoint_url=server, region_name="us-east-1", **names)
    made = s3.create_bucket(Bucket="files")
    made.objects.all().delete()
    settings.STORAGES = {**settings.STORAGES, "default": bucket_at(server)}
    return made


def bucket_at(address: str) -> dict[str, Any]:
    """As the settings name it."""
    return files_in_bucket(
        "files", prefix="production", endpoint_url=address, region="us-east-1", **KEYS
    )


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def keys_in(bucket: Any) -> list[str]:
    return [each.key for each in bucket.objects.all()]


def test_from_upload_to_deletion(files: Files, bucket: Any) -> None:
    id = files.upload()["id"]
    file = StoredFile.objects.get()
    assert keys_in(bucket) == [f"production/{file.key}"]
    assert bucket.Object(f"production/{file.key}").get()["Body"].read() == TIDES
    work()
    assert files.found() == [id]
    path = f"/{id}/download"
    assert body_of(files.call("get", path)) == TIDES
    part = files.call("get", path, Range="bytes=4-11")
    assert (part.status_code, body_of(part)) == (206, TIDES[4:12])
    files.delete(id)
    tasks.delete_bytes()
    assert keys_in(bucket) == []
    assert Orphan.objects.count() == 0


def test_copies_have_no_name(files: Files, tmp_path: Path, monkeypatch: Any) -> None:
    """Whoever is killed as it has them leaves nothing in the folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    named: list[Path] = []
    save = storage.save

    def watched(key: str, content: Any) -> None:
        named.extend(tmp_path.iterdir())
        save(key, content)

    monkeypatch.setattr(storage, "save", watched)
    files.upload()
    with storage.local_copy(StoredFile.objects.get().key) as copy:
        named.extend(tmp_path.iterdir())
        copy.seek(0)
        assert copy.read() == TIDES
    assert named == []


def test_in_several_pieces(files: Files, monkeypatch: Any) -> None:
    monkeypatch.setattr(BucketStorage, "piece_size", 10)
    assert body_of(files.call("get", f"/{files.upload()['id']}/download")) == TIDES


def test_a_large_file(files: Files, bucket: Any) -> None:
    """In parts: boto3 sends what is over 8 MB so."""
    content = b"tides " * 2_000_000
    id = files.upload(content)["id"]
    assert body_of(files.call("get", f"/{id}/download", Range="bytes=-6")) == b"tides "
    [stored] = bucket.objects.all()
    assert stored.size == len(content)


def test_a_bucket_that_cannot_be_reached(files: Files, bucket: Any, settings: Any) -> None:
    id = files.upload()["id"]
    reachable = settings.STORAGES
    settings.STORAGES = {**reachable, "default": bucket_at("http://127.0.0.1:9")}
    response = files.send(b"other")
    assert response.status_code == 503
    assert response["Retry-After"]
    assert files.call("get", f"/{id}/download").status_code == 503
    work()
    assert StoredFile.objects.get().failures == 1
    files.delete(id)
    settings.STORAGES = reachable
    assert len(keys_in(bucket)) == 1
    Orphan.objects.update(due_at=Now())
    tasks.sweep_files()
    assert keys_in(bucket) == []
    assert (StoredFile.objects.count(), Orphan.objects.count()) == (0, 0)


def test_a_bucket_that_never_answers_is_waited_for_by_one_worker_once(
    files: Files, bucket: Any, silent: str, settings: Any, monkeypatch: Any
) -> None:
    impatience = {"read_timeout": 0.3, "retries": {"total_max_attempts": 1}}
    monkeypatch.setattr("files.bucket.PATIENCE", PATIENCE | impatience)
    ids = [files.upload(b"Tide %d." % number)["id"] for number in range(3)]
    reachable = settings.STORAGES
    settings.STORAGES = {**reachable, "default": bucket_at(silent)}
    for id in ids:
        files.delete(id)
    assert not Orphan.objects.filter(taken=True).exists()  # nobody has asked it anything
    tasks.sweep_files()
    assert not Orphan.objects.filter(due_at__lte=Now()).exists()
    assert Orphan.objects.filter(taken=True).count() == 1
    settings.STORAGES = reachable
    Orphan.objects.update(due_at=Now())
    tasks.sweep_files()
    assert keys_in(bucket) == []
