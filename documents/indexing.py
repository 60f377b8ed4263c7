"""Documents in the knowledge base: each version is indexed as soon as a worker gets to it.

What is to be done stands in the database, with the version itself: a lost call loses nothing.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from chatbot_project.api import workers
from chatbot_project.celery import is_stopping
from documents import markup
from documents.models import Document, Indexing, Type, Version
from knowledge import leases
from knowledge.chunking import Block
from knowledge.indexing import PreparedChunk, prepare
from knowledge.models import Source, SourceType
from knowledge.remote_embedder import EmbedderUnavailable
from knowledge.services import delete_source, index_source
from knowledge.vectors import EmbedderChanged, release_connection

TASK = "documents.tasks.index_document"
LEASE = timedelta(seconds=60)
LOST = timedelta(seconds=30)  # due for so long, nobody has been called, or nobody has come
CALL_KEPT = 30  # seconds: the sweep calls anew
PAUSES = [5, 30, 120, 600, 1800]  # seconds after an attempt that failed; the last one goes on


class Superseded(Exception):
    """Somebody else sees to the document now: it has changed, or is no longer to be indexed."""


def request(document: Document) -> None:
    """Brings knowledge in step with the document once the caller's transaction commits.

    What is no longer knowledge is gone with the transaction itself.
    """
    if not document.knowledge:
        Indexing.objects.filter(document=document).delete()
        forget(document.id)
        return
    Indexing.objects.update_or_create(
        document=document, defaults={"due_at": Now(), "claim": None, "failures": 0}
    )
    # With the broker down, or no worker there, beat will see to it.
    workers.call_on_commit(TASK, str(document.id), expires=CALL_KEPT)


def forget(document_id: UUID) -> None:
    for source in Source.objects.filter(pk=document_id):
        delete_source(source)


@dataclass(frozen=True, slots=True)
class Work:
    """A document as it is to be indexed, and the claim of whoever does it."""

    document: Document
    claim: UUID

    def row(self) -> QuerySet[Indexing]:
        """The document's row, while it is still this work's."""
        return Indexing.objects.filter(pk=self.document.pk, claim=self.claim)

    def renew(self) -> bool:
        """False: it is not this work's any more."""
        return bool(self.row().update(due_at=Now() + LEASE))

    def give_back(self) -> None:
        """For another worker to begin anew."""
        if self.row().update(due_at=Now(), claim=None):
            workers.call(TASK, str(self.document.pk), expires=CALL_KEPT)


def index(document_id: UUID) -> None:
    """Indexes the document's newest version, if that is due and nobody is at it.

    Raises what nobody has foreseen: tried again after a pause, like all that fails.
    """
    work = take(document_id)
    if work is None:
        return
    try:
        store(work, embed(work))
    except Superseded:
        return
    except (EmbedderUnavailable, EmbedderChanged):  # after `reembed`, it comes by itself
        put_off(work)
    except Exception:  # a fault of ours that every attempt may meet
        put_off(work)
        raise


def take(document_id: UUID) -> Work | None:
    """None: nothing is due, or somebody else has taken it."""
    claim = uuid4()
    due = Indexing.objects.filter(pk=document_id, due_at__lte=Now())
    if not due.update(due_at=Now() + LEASE, claim=claim):
        return None
    document = Document.objects.defer("terms").filter(pk=document_id).first()
    return Work(document, claim) if document else None


def embed(work: Work) -> list[PreparedChunk]:
    """Takes its time, and keeps its lease. Raises EmbedderUnavailable; Superseded as soon as it is
    for nothing, or for another worker: this one is to end."""

    def progress(done: int, total: int) -> None:
        if is_stopping():
            work.give_back()
            raise Superseded
        known = work.renew()
        release_connection()
        if not known:
            raise Superseded

    document = work.document
    with leases.renewed(work.renew, work.give_back):
        return prepare([block_of(document)], title=document.title, progress=progress)


def block_of(document: Document | Version) -> Block:
    """What is to be found of it. A `#` begins a heading only where one is meant."""
    if document.type == Type.HTML:
        return Block(markup.text_of(document.content))
    return Block(document.content, is_markdown=document.type == Type.MARKDOWN)


@transaction.atomic
def store(work: Work, chunks: list[PreparedChunk]) -> None:
    """Raises Superseded. Who changes the document meanwhile waits, or has been here before."""
    document = work.document
    held = Document.objects.locked().only("pk").filter(pk=document.pk).first()
    done = work.row().update(due_at=None, claim=None, version=document.version, failures=0)
    if held is None or not done:
        raise Superseded
    source = Source.objects.filter(pk=document.pk).first() or new_source(document)
    source.title = document.title
    source.metadata = {"type": document.type, "version": document.version}
    index_source(source, chunks)


def put_off(work: Work) -> None:
    indexing = work.row().first()
    if indexing is not None:
        pause = timedelta(seconds=PAUSES[min(indexing.failures, len(PAUSES) - 1)])
        failures = indexing.failures + 1
        work.row().update(due_at=Now() + pause, claim=None, failures=failures)


def next_due() -> UUID | None:
    """Of some account what has waited longest; of one that has none under way, if there is any."""
    busy = Indexing.objects.filter(claim__isnull=False, due_at__gt=Now()).values("document__owner")
    due = Indexing.objects.filter(due_at__lte=Now())
    for waiting in (due.exclude(document__owner__in=busy), due):
        oldest = waiting.order_by("document__owner_id", "due_at").distinct("document__owner_id")
        if found := [*oldest.values_list("pk", flat=True)]:
            return random.choice(found)  # noqa: S311  (no secret)
    return None


def lost() -> list[UUID]:
    """A hundred documents whose call has been lost."""
    waiting = Indexing.objects.filter(due_at__lte=Now() - LOST).order_by("due_at")
    return list(waiting.values_list("pk", flat=True)[:100])


def new_source(document: Document) -> Source:
    return Source(
        id=document.pk,
        owner_id=document.owner_id,
        audience=document.owner_id,
        source_type=SourceType.ARTIFACT,
    )
