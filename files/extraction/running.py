"""Reads a file in a process of its own, within limits."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NoReturn

import structlog
from django.conf import settings

from files.readers.passages import Unreadable
from files.readers.registry import reader_of
from knowledge.chunking import Block

log = structlog.get_logger(__name__)

BETWEEN_CALLS = 1.0  # seconds from one call of `progress` to the next
BYTES_READ = 2**18  # at once from the other process
BYTES_A_CHARACTER = 6  # of text, in the JSON it writes: \u0001


class ExtractionFailed(Exception):
    """There is no text to be had. `reason` is a sentence that a person can act on."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def extract(
    file: IO[bytes],
    *,
    media_type: str,
    filename: str,
    progress: Callable[[], None] | None = None,
) -> list[Block]:
    """The text of a file whose type is `media_type`, as `detect` says it.

    `progress` is called about once a second; what it raises ends the extraction. Raises
    ExtractionFailed. Whatever happens, the process that reads is gone afterwards.
    """
    try:
        reader_of(media_type)
    except Unreadable as error:
        raise ExtractionFailed(error.reason) from None
    blocks: list[Block] = []
    with reading(file, media_type) as process:
        for kind, *values in lines_of(process, progress or (lambda: None)):
            if kind == "passage":
                blocks.append(Block(*values))
            elif kind == "read":
                return blocks
            else:
                fail(filename, kind, *values)
        exit_code = process.wait()
    raise ExtractionFailed(reason_of(exit_code))


@contextmanager
def reading(file: IO[bytes], media_type: str) -> Iterator[subprocess.Popen[bytes]]:
    limits = {
        "memory_mb": settings.EXTRACTION_MEMORY_MB,
        "seconds": settings.EXTRACTION_SECONDS,
        "pages": settings.EXTRACTION_MAX_PAGES,
        "characters": settings.EXTRACTION_MAX_CHARACTERS,
    }
    # Nothing of this process's environment: the keys and passwords in it are no reader's business.
    command = [sys.executable, "-E", "-s", "-m", "files.readers.child"]
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # the process reads on from where we are
    process = subprocess.Popen(
        [*command, str(os.getpid()), media_type, json.dumps(limits)],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=settings.BASE_DIR,
        env={"LANG": "C.UTF-8"},
        start_new_session=True,  # a Ctrl-C is for the worker to handle
        bufsize=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def lines_of(process: subprocess.Popen[bytes], progress: Callable[[], None]) -> Iterator[list[Any]]:
    """What the process writes, parsed. Bounded in time and size, whatever it does."""
    left = settings.EXTRACTION_MAX_CHARACTERS * BYTES_A_CHARACTER + 2**24
    unfinished = bytearray()
    for data in pieces(process, progress):
        left -= len(data)
        if left < 0:
            raise ExtractionFailed("It has far too much text.")
        unfinished += data
        if b"\n" in data:
            *lines, unfinished = unfinished.split(b"\n")
            yield from map(json.loads, lines)


def pieces(process: subprocess.Popen[bytes], progress: Callable[[], None]) -> Iterator[bytes]:
    output = process.stdout.fileno() if process.stdout else -1
    started = time.monotonic()
    called = started
    while True:
        if select.select([output], [], [], BETWEEN_CALLS)[0]:
            data = os.read(output, BYTES_READ)
            if not data:
                return
            yield data
        now = time.monotonic()
        if now - started > settings.EXTRACTION_SECONDS:
            raise ExtractionFailed(too_slow())
        if now - called >= BETWEEN_CALLS:
            called = now
            progress()


def fail(filename: str, kind: str, detail: str = "") -> NoReturn:
    """Raise what the other process could not do."""
    if kind == "unreadable":
        raise ExtractionFailed(detail)
    if kind == "memory":
        raise ExtractionFailed(too_large())
    log.warning("extraction.broken", filename=filename, error=detail)
    raise ExtractionFailed("The file is damaged: it cannot be read.")


def reason_of(exit_code: int) -> str:
    """Why it ended without a word."""
    if exit_code in (-signal.SIGXCPU, -signal.SIGALRM):
        return too_slow()
    if exit_code == -signal.SIGKILL:  # the system's, when memory is short
        return too_large()
    log.warning("extraction.crashed", exit_code=exit_code)
    return "The file is damaged: it cannot be read."


def too_slow() -> str:
    return f"It takes more than {settings.EXTRACTION_SECONDS} seconds to read."


def too_large() -> str:
    memory = settings.EXTRACTION_MEMORY_MB
    size = f"{memory / 1024:g} GB" if memory >= 1024 else f"{memory} MB"
    return f"It takes more than {size} of memory to read."
