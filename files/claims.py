"""Which file is processed next, and whose it is: a lease by the database's clock."""

import random
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from chatbot_project.celery import is_stopping
from files.extraction import PACKED
from files.models import Stage, StoredFile
from knowledge import leases
from knowledge.vectors import release_connection

LEASE = timedelta(seconds=45)
LOOK = 1.0  # seconds between two looks whether the work is still wanted
ANY_SIZE = 2**63 - 1  # bytes

# The file of whoever has the fewest in work; among those, of an account drawn by lot: a thousand
# files of one account are no more likely to have the next turn than the only one of another.
TAKE = """
WITH busy AS (
    SELECT owner_id, count(*) AS files FROM files_storedfile
    WHERE claim IS NOT NULL AND due_at > statement_timestamp() GROUP BY owner_id
)
UPDATE files_storedfile
SET claim = %s, due_at = statement_timestamp() + %s * interval '1 second', attempts = attempts + 1
WHERE id = (
    SELECT file.id FROM files_storedfile file LEFT JOIN busy ON busy.owner_id = file.owner_id
    WHERE file.due_at <= statement_timestamp() AND file.size <= %s AND file.media_type <> ALL (%s)
    ORDER BY coalesce(busy.files, 0), uuid_hash_extended(file.owner_id, %s::bigint), file.due_at
    LIMIT 1 FOR UPDATE OF file SKIP LOCKED
)
RETURNING id
"""


class Superseded(Exception):
    """The work is for nothing: the file is deleted, cancelled, somebody else's, or given back."""


@dataclass(slots=True)
class Work:
    """A file that is to be processed, as it was when it was taken, and the claim of who does it."""

    file: StoredFile
    claim: UUID
    looked: float = field(default_factory=time.monotonic)

    def row(self) -> QuerySet[StoredFile]:
        """The file's row, while it is still this work's."""
        return StoredFile.objects.filter(pk=self.file.pk, claim=self.claim)

    def look(self) -> None:
        """Call it as often as you can. Raises Superseded."""
        if time.monotonic() - self.looked >= LOOK:
            self.reach()

    def reach(self, stage: Stage | None = None, progress: int | None = None) -> None:
        """Renews the lease, and says how far the work is. Raises Superseded: also where this worker
        is to end, for another to begin anew. No file fails for workers that are started again."""
        if is_stopping():
            self.give_back()
            raise Superseded
        said: dict[str, Any] = {"stage": stage, "progress": progress}
        known = {name: value for name, value in said.items() if value is not None}
        held = self.row().update(due_at=Now() + LEASE, **known)
        release_connection()
        self.looked = time.monotonic()
        if not held:
            raise Superseded

    def give_back(self, pause: timedelta = timedelta(0), **changes: Any) -> None:
        """As if it had not been taken. It is due again after `pause`."""
        waiting = {"stage": Stage.QUEUED, "progress": 0, "attempts": F("attempts") - 1}
        self.row().update(due_at=Now() + pause, claim=None, **waiting, **changes)

    def renewed(self) -> AbstractContextManager[None]:
        """Keeps the lease while the block runs, however long a model takes to answer."""
        return leases.renewed(lambda: self.row().update(due_at=Now() + LEASE), self.give_back)


def take(largest: int = ANY_SIZE) -> Work | None:
    """The next file that is due; unless any will do, one that is no larger than `largest` bytes and
    not packed, as nobody knows how much is in those. None: there is none."""
    claim, lot = uuid4(), random.getrandbits(63)
    left_out = [] if largest == ANY_SIZE else PACKED
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [claim, LEASE.total_seconds(), largest, left_out, lot])
        row = cursor.fetchone()
    if row is None:
        return None
    file = StoredFile.objects.filter(pk=row[0], claim=claim).first()
    return Work(file, claim) if file else None


def any_due() -> bool:
    return StoredFile.objects.filter(due_at__lte=Now()).exists()
