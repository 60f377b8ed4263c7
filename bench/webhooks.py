"""How fast events are delivered: `.venv/bin/python bench/webhooks.py [--events N]`.

Starts PostgreSQL, Valkey, a worker and beat in a scratch folder, and an endpoint that costs next to
nothing. Prints the delay from commit to the first byte at the endpoint with idle workers; the
deliveries a second of one worker process beside those of a bare asyncio loop that signs and posts
the same bodies; and what a claim takes with a long queue, a short one, and many endpoints for which
something waits.
"""

import argparse
import asyncio
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else `webhooks` would be this file

import django  # noqa: E402

from bench.platform import end, procfile, spawn  # noqa: E402
from chatbot_project.embedded.services import running  # noqa: E402

LATENCIES = 100
BARE_CONNECTIONS = 20  # as many as a worker opens to one endpoint
CLAIMS = 50
WAITING = 1000  # endpoints with something that is not due yet
DATA = {"chat_id": "chat_1", "message_id": "msg_1", "content": "Hello, world! " * 20}


class Receiver:
    """The endpoint, in a process of its own."""

    def __init__(self, stack: ExitStack) -> None:
        command = [sys.executable, "-m", "bench.receiver"]
        process = spawn(command, {}, stack, stdout=subprocess.PIPE)
        assert process.stdout
        self.port = int(process.stdout.readline())

    def times(self, wanted: int, limit: float = 120) -> dict[str, float]:
        """When each of `wanted` deliveries came, by id."""
        found: dict[str, float] = {}
        deadline = time.monotonic() + limit
        while True:
            with urllib.request.urlopen(f"http://localhost:{self.port}/") as answer:
                found |= json.load(answer)
            if len(found) >= wanted:
                return found
            if time.monotonic() > deadline:
                raise SystemExit(f"Only {len(found)} of {wanted} deliveries came.")
            time.sleep(0.02)


@contextmanager
def platform(folder: Path) -> Iterator[tuple[Receiver, ExitStack]]:
    with ExitStack() as stack:
        receiver = Receiver(stack)
        stack.enter_context(running(["postgres", "valkey"], folder))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "chatbot_project.settings",
            "CHATBOT_DATA_DIR": str(folder),
            "ENV_FILE": os.devnull,
            "WEBHOOK_ALLOWED_HOSTS": f"localhost:{receiver.port}",
        }
        django.setup()
        yield receiver, stack


def start(name: str, folder: Path, stack: ExitStack) -> "subprocess.Popen[bytes]":
    log = stack.enter_context((folder / f"bench-{name}.log").open("wb"))
    return spawn(shlex.split(procfile()[name]), {}, stack, stdout=log, stderr=log)


def run(folder: Path, receiver: Receiver, stack: ExitStack, events: int) -> None:
    # Django's parts can only be imported once it is set up.
    from bench import outbox  # noqa: PLC0415

    account = outbox.prepare(f"http://localhost:{receiver.port}/hook")
    outbox.emit(account, DATA, events)
    rows = {f"a claim with {events:,} deliveries due": f"{outbox.claim_ms(CLAIMS):.2f} ms"}
    bodies = outbox.bodies()
    began = time.perf_counter()
    worker = start("worker", folder, stack)
    start("beat", folder, stack)
    arrived = sorted(receiver.times(events).values())
    print(f"drained {time.perf_counter() - began:.1f} s after the start", file=sys.stderr)
    rate = (events - 1) / (arrived[-1] - arrived[0])
    bare = asyncio.run(outbox.bare_rate(receiver.port, bodies, BARE_CONNECTIONS))
    with_aiohttp = asyncio.run(outbox.aiohttp_rate(receiver.port, bodies, BARE_CONNECTIONS))
    receiver.times(0)
    delays = [delay(outbox, account, receiver) for _ in range(LATENCIES)]
    end(worker)
    outbox.emit(account, DATA, 100)
    rows[f"a claim with 100 due, after {events:,}"] = f"{outbox.claim_ms(CLAIMS):.2f} ms"
    outbox.make_wait(account, WAITING)
    rows[f"a claim that finds nothing due of {WAITING:,} endpoints"] = (
        f"{outbox.claim_ms(CLAIMS):.2f} ms"
    )
    rows["from commit to first byte, idle workers: median"] = f"{statistics.median(delays):.1f} ms"
    rows["the same: 95th percentile"] = f"{statistics.quantiles(delays, n=20)[18]:.1f} ms"
    rows["deliveries a second, one worker process, one endpoint"] = f"{rate:,.0f}"
    rows["posts a second, loop around aiohttp's client, same bodies"] = f"{with_aiohttp:,.0f}"
    rows["posts a second, loop on bare asyncio streams, same bodies"] = f"{bare:,.0f}"
    rows["ours, of the one with aiohttp"] = f"{rate / with_aiohttp:.2f}"
    rows["ours, of the one on bare streams"] = f"{rate / bare:.2f}"
    rows["emit() for an account without endpoints"] = f"{outbox.emit_ms(2000):.3f} ms"
    print("| | |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


def delay(outbox, account, receiver: Receiver) -> float:  # type: ignore[no-untyped-def]
    """Milliseconds from the end of a commit to the first byte."""
    outbox.wait_until_idle()
    committed = outbox.emit(account, DATA, 1)
    [arrived] = receiver.times(1).values()
    return (arrived - committed) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast events are delivered.")
    parser.add_argument("--events", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatbot-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own user has to come in
        with platform(folder) as (receiver, stack):
            run(folder, receiver, stack, arguments.events)


if __name__ == "__main__":
    main()
