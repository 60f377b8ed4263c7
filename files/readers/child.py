"""The process that reads one file: `python -m files.readers.child PARENT MEDIA_TYPE LIMITS`.

The file is its standard input. To standard output it writes a line of JSON for each passage, and a
last one that says how it ended. It knows nothing of Django: it starts in a tenth of a second.
"""

import ctypes
import gc
import importlib
import json
import logging
import os
import resource
import signal
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any, BinaryIO, NoReturn

from files.readers.passages import Unreadable, cleaned
from files.readers.registry import reader_of

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# How events of Python's audit begin (docs.python.org/3/library/audit_events.html): all that a
# system can be asked for, but for what imports need.
FORBIDDEN = (
    *("os.", "pty.", "shutil.", "signal.", "socket.", "subprocess.", "syslog."),
    *("ctypes.", "fcntl.", "resource.", "sqlite3.", "tempfile."),
)
ALLOWED = ("os.listdir", "os.scandir")


def main(parent: int, media_type: str, limits: dict[str, int]) -> None:
    die_with(parent)
    gc.set_threshold(100_000)  # parsers make many objects and few circles
    logging.disable()  # libraries tell of every oddity in a file
    reader = importlib.import_module(reader_of(media_type))
    confine(limits)
    try:
        read(reader, sys.stdin.buffer, media_type, limits)
        end("read")
    except Unreadable as error:
        end("unreadable", error.reason)
    except MemoryError:
        end("memory")
    except RecursionError:
        end("unreadable", "The file is damaged: it is nested too deeply.")
    except Exception as error:  # noqa: BLE001 - a file can break a reader in any way
        end("broken", f"{type(error).__name__}: {error}"[:500])


def read(reader: ModuleType, file: BinaryIO, media_type: str, limits: dict[str, int]) -> None:
    if os.fstat(file.fileno()).st_size == 0:
        raise Unreadable("The file is empty.")
    room = limits["characters"]
    has_text = False
    for found in reader.read(file, media_type, limits["pages"]):
        if len(found.text) > 2 * room:  # too much even if half of it is spaces
            raise too_much(limits)
        passage = cleaned(found)
        if passage.page is not None and passage.page > limits["pages"]:
            raise Unreadable(f"It has more than {limits['pages']:,} pages.")
        room -= len(passage.text)
        if room < 0:
            raise too_much(limits)
        if passage.text.strip():
            has_text = True
            write(["passage", *passage])
    if not has_text:
        raise Unreadable("No text found in it.")


def too_much(limits: dict[str, int]) -> Unreadable:
    return Unreadable(f"It has more than {limits['characters']:,} characters of text.")


def write(line: list[Any]) -> None:
    sys.stdout.buffer.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def end(*how: str) -> NoReturn:
    """At once: freeing what was read would only take time."""
    write(list(how))
    sys.stdout.buffer.flush()
    os._exit(0)


def die_with(parent: int) -> None:
    """A worker that is killed leaves nothing running."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("The process that started this one is gone.")


def confine(limits: dict[str, int]) -> None:
    """Bounded memory and time, and nothing but reading.

    The limits are the system's. The rest is Python's watch over itself: it stops a library that a
    file leads astray, not who gets code of his own to run in here; and what this user may read can
    be read.
    """
    seconds, memory = limits["seconds"], limits["memory_mb"] * 2**20
    with suppress(ValueError, OSError):  # not every system knows every limit
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    signal.alarm(seconds + 5)  # where nothing tells that the parent is gone
    sys.addaudithook(forbid)


def forbid(event: str, arguments: tuple[Any, ...]) -> None:
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
    if writes or (event.startswith(FORBIDDEN) and event not in ALLOWED):
        raise PermissionError(f"Reading a file needs no {event}.")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
