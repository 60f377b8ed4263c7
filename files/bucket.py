"""Files in a bucket of a service that speaks S3."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

# boto3's own would have a request wait for minutes.
PATIENCE = {"connect_timeout": 5, "read_timeout": 30, "retries": {"total_max_attempts": 3}}


class BucketFailed(OSError):
    """The service cannot be reached, or refuses."""


@contextmanager
def failures() -> Iterator[None]:
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise BucketFailed(str(error)) from error


class BucketStorage(S3Storage):
    piece_size = 1_048_576  # each costs a call

    def get_default_settings(self) -> dict[str, Any]:
        return {**super().get_default_settings(), "client_config": Config(**PATIENCE)}

    def _save(self, name: str, content: Any) -> str:
        with failures():
            saved: str = super()._save(name, content)
        return saved

    def delete(self, name: str) -> None:
        with failures():
            super().delete(name)

    def read(self, key: str, start: int, length: int) -> bytes:
        span = f"bytes={start}-{start + length - 1}"
        with failures():
            found = self.client.get_object(Range=span, **self.place_of(key))
            piece: bytes = found["Body"].read()
        return piece

    @contextmanager
    def local_copy(self, key: str) -> Iterator[IO[bytes]]:
        with tempfile.TemporaryFile() as copy:  # without a name: whoever is killed leaves nothing
            with failures():
                self.client.download_fileobj(Fileobj=copy, **self.place_of(key))
            copy.flush()
            yield copy

    @property
    def client(self) -> Any:
        """This thread's."""
        return self.connection.meta.client

    def place_of(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(key)}
