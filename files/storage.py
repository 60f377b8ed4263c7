"""Where files' bytes are: a local folder, or a bucket that speaks S3, as the settings say."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

LOCAL_PIECE = 262_144  # bytes in memory at once
REMOTE_PIECE = 1_048_576  # each costs a call

# Whatever can go wrong between us and the bytes.
StorageFailed = (OSError, BotoCoreError, ClientError)


def folder() -> FileSystemStorage | None:
    """The local folder; None: the bytes are in a bucket."""
    storage: Any = default_storage
    return storage if isinstance(storage, FileSystemStorage) else None


def save(key: str, content: IO[bytes]) -> None:
    """Stores it under a key that nothing has been stored under. Raises one of StorageFailed."""
    content.seek(0)
    default_storage.save(key, File(content, name=key))


def delete(key: str) -> None:
    """What is gone already is no failure. Raises one of StorageFailed."""
    default_storage.delete(key)


def piece_size() -> int:
    return LOCAL_PIECE if folder() else REMOTE_PIECE


def read(key: str, start: int, length: int) -> bytes:
    """`length` bytes from `start`; each call opens anew, so that slow readers hold nothing open.

    Raises one of StorageFailed; EOFError where the bytes end before that.
    """
    local = folder()
    if local:
        with open(local.path(key), "rb", buffering=0) as file:  # noqa: PTH123 - unbuffered
            piece = os.pread(file.fileno(), length, start)
    else:
        storage: Any = default_storage
        given = f"bytes={start}-{start + length - 1}"
        piece = storage.bucket.Object(storage_key(key)).get(Range=given)["Body"].read()
    if len(piece) != length:
        raise EOFError(key)
    return piece


@contextmanager
def local_copy(key: str) -> Iterator[Path]:
    """The bytes as a file on this machine. Raises one of StorageFailed."""
    local = folder()
    if local:
        yield Path(local.path(key))
        return
    with tempfile.NamedTemporaryFile(prefix="chatbot-file-") as copy:
        storage: Any = default_storage
        storage.bucket.Object(storage_key(key)).download_fileobj(copy)
        copy.flush()
        yield Path(copy.name)


def storage_key(key: str) -> str:
    """With the prefix that the settings give to all keys."""
    storage: Any = default_storage
    return f"{storage.location}/{key}" if storage.location else key
