"""Where files' bytes are: a local folder, or a bucket (files.bucket), as the settings say.

Whatever goes wrong between us and the bytes is an OSError.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

NO_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}  # file systems that sync no folders


class Storage(Protocol):
    """What the storage of the settings must be able to do beside Django's own."""

    piece_size: int  # bytes that are read at once

    def save(self, name: str, content: "File[bytes]") -> str: ...

    def delete(self, name: str) -> None: ...

    def read(self, key: str, start: int, length: int) -> bytes: ...

    def local_copy(self, key: str) -> AbstractContextManager[IO[bytes]]: ...


class FolderStorage(FileSystemStorage):
    piece_size = 262_144

    def save(self, name: str | None, content: IO[Any], max_length: int | None = None) -> str:
        """When this returns, the disk has the bytes and their name: as the database has the file's
        row, a power cut leaves both or none."""
        saved = super().save(name, content, max_length)
        path = Path(self.path(saved))
        write_out(path)
        for folder in (path.parent, path.parent.parent):  # it may be new, too
            write_out(folder)
        return saved

    def read(self, key: str, start: int, length: int) -> bytes:
        descriptor = os.open(self.path(key), os.O_RDONLY)
        try:
            return os.pread(descriptor, length, start)
        finally:
            os.close(descriptor)

    @contextmanager
    def local_copy(self, key: str) -> Iterator[IO[bytes]]:
        with Path(self.path(key)).open("rb") as file:
            yield file


def write_out(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (error.errno in NO_SYNC and path.is_dir()):
            raise
    finally:
        os.close(descriptor)


def storage() -> Storage:
    return cast(Storage, default_storage)


def save(key: str, content: IO[bytes]) -> None:
    """Stores it under a key that nothing has been stored under. Raises OSError."""
    content.seek(0)
    storage().save(key, File(content, name=key))


def delete(key: str) -> None:
    """What is gone already is no failure. Raises OSError."""
    storage().delete(key)


def read(key: str, start: int, length: int) -> bytes:
    """`length` bytes from `start`; each call opens anew, so that slow readers hold nothing open.

    Raises OSError, and EOFError where the bytes end before that.
    """
    piece = storage().read(key, start, length)
    if len(piece) != length:
        raise EOFError(key)
    return piece


def local_copy(key: str) -> AbstractContextManager[IO[bytes]]:
    """The bytes as a file on this machine, for the length of a block. Raises OSError."""
    return storage().local_copy(key)
