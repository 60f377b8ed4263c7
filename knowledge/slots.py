"""How many of a machine's workers may be at what takes long, for others to be free for the rest.

A slot is a lock on a file: whoever dies gives it back.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


@contextmanager
def slot(names: Iterable[str]) -> Iterator[str]:
    """Until the end of the block, the first of these that is free is ours. "": none is."""
    for name in names:
        descriptor = os.open(path_of(name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        try:
            yield name
        finally:
            os.close(descriptor)
        return
    yield ""


def path_of(name: str) -> Path:
    """The same for all workers on this machine that work for the same database."""
    database = "{HOST} {PORT} {NAME}".format(**connection.settings_dict)
    of_database = hashlib.sha256(database.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"chatbot-{os.getuid()}-{of_database}-{name}.lock"
