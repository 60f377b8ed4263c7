"""A number for each test session on this checkout, so that several can run side by side."""

import fcntl
import os
from pathlib import Path

SLOTS = 63  # Valkey's databases, less the one that nobody's tests use


def claim_slot(data_dir: Path) -> int:
    """The lowest free number from 1, ours until this process ends."""
    folder = data_dir / "slots"
    folder.mkdir(parents=True, exist_ok=True)
    for slot in range(1, SLOTS + 1):
        descriptor = os.open(folder / str(slot), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return slot
    raise RuntimeError(f"{SLOTS} test sessions are running already")
