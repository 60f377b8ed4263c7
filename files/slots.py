"""How many of a machine's processes may be at files: others must stay free for what is short.

A slot is a lock on a file: whoever dies gives it back. There is one more than the settings say, for
small texts alone: none of them waits behind a book.
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

from files.claims import ANY_SIZE

SMALL = 256 * 1024  # bytes: of plain text, a quarter of a minute's work


@contextmanager
def slot() -> Iterator[int]:
    """Until the end of the block, how many bytes a file may have for this process to be at it.

    0: all slots are taken.
    """
    slots = {str(number): ANY_SIZE for number in range(settings.FILES_AT_ONCE)}
    for name, largest in {**slots, "small": SMALL}.items():
        descriptor = os.open(path_of(name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        try:
            yield largest
        finally:
            os.close(descriptor)
        return
    yield 0


def path_of(slot: str) -> Path:
    """The same for all workers on this machine that work for the same database."""
    database = "{HOST} {PORT} {NAME}".format(**connection.settings_dict)
    name = hashlib.sha256(database.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"chatbot-files-{os.getuid()}-{name}-{slot}.lock"
