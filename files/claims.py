"""Which file is processed next, and whose it is: a lease by the database's clock."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from files.models import Stage, StoredFile
from knowledge.vectors import release_connection

LEASE = timedelta(seconds=45)
RENEWAL = 1.0  # seconds between two signs of life, at least

# The file of whoever has the fewest in work: a thousand of one account hold up nobody else's for
# longer than those that are being processed.
TAKE = """
WITH busy AS (
    SELECT owner_id, count(*) AS files FROM files_storedfile
    WHERE claim IS NOT NULL AND due_at > statement_timestamp() GROUP BY owner_id
)
UPDATE files_storedfile
SET claim = %s, due_at = statement_timestamp() + %s * interval '1 second', attempts = attempts + 1
WHERE id = (
    SELECT file.id FROM files_storedfile file LEFT JOIN busy ON busy.owner_id = file.owner_id
    WHERE file.due_at <= statement_timestamp()
    ORDER BY coalesce(busy.files, 0), file.due_at
    LIMIT 1 FOR UPDATE OF file SKIP LOCKED
)
RETURNING id
"""


class Superseded(Exception):
    """The work is for nothing: the file has been deleted or cancelled, or somebody else has it."""


@dataclass(slots=True)
class Work:
    """A file that is to be processed, as it was when it was taken, and the claim of who does it."""

    file: StoredFile
    claim: UUID
    renewed: float = field(default_factory=time.monotonic)

    def row(self) -> QuerySet[StoredFile]:
        """The file's row, while it is still this work's."""
        return StoredFile.objects.filter(pk=self.file.pk, claim=self.claim)

    def alive(self) -> None:
        """Call it often: it renews the lease about once a second. Raises Superseded."""
        if time.monotonic() - self.renewed >= RENEWAL:
            self.reach()

    def reach(self, stage: Stage | None = None, progress: int | None = None) -> None:
        """Renews the lease, and says how far the work is. Raises Superseded."""
        said: dict[str, Any] = {"stage": stage, "progress": progress}
        known = {name: value for name, value in said.items() if value is not None}
        held = self.row().update(due_at=Now() + LEASE, **known)
        release_connection()
        self.renewed = time.monotonic()
        if not held:
            raise Superseded


def take() -> Work | None:
    """The next file that is due. None: there is none."""
    claim = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [claim, LEASE.total_seconds()])
        row = cursor.fetchone()
    if row is None:
        return None
    file = StoredFile.objects.filter(pk=row[0], claim=claim).first()
    return Work(file, claim) if file else None


def any_due() -> bool:
    return StoredFile.objects.filter(due_at__lte=Now()).exists()
