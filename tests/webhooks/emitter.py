"""Emits events from a process of its own: `python -m tests.webhooks.emitter OWNER COUNT`.

Of every five transactions one is rolled back. A database that is away is waited for; what became of
a commit in that moment nobody can know, so nothing is said of it. Prints the ids of what was
committed and of what was rolled back, as `committed evt_...` and `rolled-back evt_...`.
"""

import sys
import threading
import uuid
from typing import Any

import django

PAUSE = threading.Event()  # never set
TOGETHER = 4  # events in a transaction


def said(mark: str) -> tuple[str, dict[str, Any]]:
    return "chat.message", {"message_id": mark, "content": "Hello", "role": "user"}


def run(owner_id: str, count: int) -> None:
    # Django's parts can only be imported once it is set up.
    from django.db import Error, connection, transaction  # noqa: PLC0415

    from webhooks import events  # noqa: PLC0415

    committed = number = 0
    while committed < count:
        number += 1
        wanted = number % 5 != 0
        marks = [f"{number}-{uuid.uuid4().hex}" for _ in range(TOGETHER)]
        try:
            with transaction.atomic():
                events.emit_all(uuid.UUID(owner_id), [*map(said, marks)])
                transaction.set_rollback(not wanted)
        except Error:
            connection.close()
            PAUSE.wait(0.05)
            continue
        for mark in marks:
            print("committed" if wanted else "rolled-back", mark, flush=True)  # noqa: T201 - its answer
        committed += wanted * TOGETHER
        PAUSE.wait(0.016)


if __name__ == "__main__":
    django.setup()
    run(sys.argv[1], int(sys.argv[2]))
