"""From a file's bytes to chunks that can be found. What is done may be done again: nothing counts
before it is stored, all at once, by whoever still has the file."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import PurePath

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now

from files import claims, services, storage, twins
from files.claims import Superseded, Work
from files.extraction import ExtractionFailed, extract
from files.models import Stage, Status, StoredFile
from files.stretches import stretches
from knowledge.chunking import Block
from knowledge.indexing import PreparedChunk, prepare
from knowledge.models import Source, SourceType
from knowledge.remote_embedder import EmbedderUnavailable
from knowledge.services import audience_of, copy_source, index_source
from knowledge.vectors import EmbedderChanged, release_connection

log = structlog.get_logger("files")

MOST_ATTEMPTS = 3
PAUSES = [5, 30, 120, 600]  # seconds, after what is needed could not be reached; then it has failed
WAIT = timedelta(seconds=10)  # for a file with the same bytes, if nobody says that it is ready
EXTRACTING, SPLITTING, EMBEDDING, STORING = 5, 10, 12, 97  # percent, as each begins
SEPARATORS = re.compile(r"[-_\s]+")

DIED = "Processing was given up: it ended unexpectedly three times."
NO_TEXT = "No text found in the file."
NO_EMBEDDER = "The embedding model could not be reached. Process the file again later."
THEN_AGAIN = "Then process the file again."
NO_DATABASE = "The database could not be reached. Process the file again later."
NO_STORAGE = "The file's bytes could not be read from storage."


def process_next(largest: int = claims.ANY_SIZE) -> bool:
    """Processes a file that is due, of at most `largest` bytes. False: there is none."""
    work = claims.take(largest)
    if work is None:
        return False
    try:
        with work.renewed():
            process(work)
    except Superseded:
        log.info("processing ended", file=work.file.public_id, reason="superseded")
    return True


def process(work: Work) -> None:
    """Raises Superseded."""
    if work.file.attempts > MOST_ATTEMPTS:
        give_up(work, DIED)
        return
    try:
        if work.file.copies and take_over(work):
            return
        make(work)
    except ExtractionFailed as failure:
        give_up(work, failure.reason)
    except EmbedderUnavailable:
        put_off(work, NO_EMBEDDER)
    except EmbedderChanged as error:
        give_up(work, f"{error.message} {THEN_AGAIN}")
    except (InterfaceError, OperationalError) as error:
        log.error("a file's database failed", file=work.file.public_id, exc_info=error)
        release_connection()
        put_off(work, NO_DATABASE)  # if that fails, too, the lease runs out
    except OSError as error:
        log.error("a file could not be read", file=work.file.public_id, exc_info=error)
        put_off(work, NO_STORAGE)


def take_over(work: Work) -> bool:
    """Whether a file with the same bytes spares the work: it is ready, or will be."""
    if twin := twins.ready(work.file):
        return copy(work, twin)
    if twins.in_the_making(work.file):
        work.give_back(WAIT)
        if not twins.in_the_making(work.file):  # it has ended meanwhile, and did not see us wait
            waiting = StoredFile.objects.filter(pk=work.file.pk, status=Status.PROCESSING)
            waiting.filter(claim=None).update(due_at=Now())
        return True
    return False


@transaction.atomic
def copy(work: Work, twin: StoredFile) -> bool:
    """False: the twin has been deleted meanwhile. Raises Superseded."""
    held = hold(work)
    original = Source.objects.filter(pk=twin.pk).first()
    if original is None:
        return False
    source = source_of(held)
    try:
        with transaction.atomic():
            copy_source(original, source)
    except Source.DoesNotExist:
        return False
    complete(held, source)
    return True


def make(work: Work) -> None:
    """Raises Superseded, ExtractionFailed, EmbedderUnavailable, EmbedderChanged, OSError."""
    file = work.file
    work.reach(Stage.EXTRACTING, EXTRACTING)
    with storage.local_copy(file.key) as copy:
        blocks = extract(
            copy, media_type=file.media_type, filename=file.filename, progress=work.look
        )
    work.reach(Stage.SPLITTING, SPLITTING)
    chunks = prepare(
        watched(work, stretches(blocks)),
        title=title_of(file),
        filename=file.filename,
        progress=lambda done, total: work.reach(
            Stage.EMBEDDING, EMBEDDING + (STORING - EMBEDDING) * done // total
        ),
    )
    if not chunks:
        raise ExtractionFailed(NO_TEXT)
    work.reach(Stage.STORING, STORING)
    store(work, chunks)


def watched(work: Work, blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        work.look()
        yield block


@transaction.atomic
def store(work: Work, chunks: list[PreparedChunk]) -> None:
    """Raises Superseded. Who changes the file meanwhile waits, or has been here before."""
    held = hold(work)
    source = source_of(held)
    index_source(source, chunks)
    complete(held, source)


def hold(work: Work) -> StoredFile:
    """The file as it is now, its row held until the end of the transaction. Raises Superseded."""
    held: StoredFile | None = (
        StoredFile.objects.locked().filter(pk=work.file.pk, claim=work.claim).first()
    )
    if held is None:
        raise Superseded
    return held


def complete(held: StoredFile, source: Source) -> None:
    StoredFile.objects.filter(pk=held.pk).update(
        status=Status.COMPLETED,
        stage=Stage.DONE,
        progress=100,
        chunks_created=source.chunk_count,
        error="",
        due_at=None,
        claim=None,
    )
    held.refresh_from_db()
    services.finish(held)


def source_of(file: StoredFile) -> Source:
    """The file's source in the knowledge base, known or new, with all that the file says of it."""
    source = Source.objects.filter(pk=file.pk).first() or Source(
        id=file.pk, owner_id=file.owner_id, source_type=SourceType.DOCUMENT
    )
    source.audience = audience_of(file.owner_id, file.visibility)
    source.title, source.filename = title_of(file), file.filename
    source.tags, source.metadata = file.tags, {"type": file.media_type}
    return source


def title_of(file: StoredFile) -> str:
    """What the file's name says: `teams-integration.pdf` is about teams integration."""
    return SEPARATORS.sub(" ", PurePath(file.filename).stem).strip()


@transaction.atomic
def give_up(work: Work, reason: str) -> None:
    """Raises Superseded."""
    services.fail(hold(work), reason)


def put_off(work: Work, reason: str) -> None:
    """Something could not be reached: the file's turn comes again, or it has failed.

    Raises Superseded.
    """
    failures = work.file.failures
    if failures >= len(PAUSES):
        give_up(work, reason)
        return
    pause = timedelta(seconds=PAUSES[failures])
    work.give_back(pause, failures=failures + 1)
