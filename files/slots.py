"""How many of a machine's processes may be at files: others must stay free for what is short.

A slot is a lock on a file: whoever dies gives it back.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection


@contextmanager
def slot() -> Iterator[bool]:
    """Whether this process has got one, until the end of the block."""
    for number in range(settings.FILES_AT_ONCE):
        descriptor = os.open(path_of(number), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        try:
            yield True
        finally:
            os.close(descriptor)
        return
    yield False


def path_of(number: int) -> Path:
    """The same for all workers on this machine that work for the same database."""
    database = "{HOST} {PORT} {NAME}".format(**connection.settings_dict)
    name = hashlib.sha256(database.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"chatbot-files-{os.getuid()}-{name}-{number}.lock"
