"""What it takes to make files searchable: `.venv/bin/python bench/ingest.py [--chunks N] ...`.

Starts the whole platform in a scratch folder and works through its API: uploads, then asks for the
status until it is completed. Prints chunks a second, from the upload to the end, over those of the
bare embedder in this process, before and after, and the same by CPU time, which a busy machine
disturbs less; how much memory the largest process of the worker has for a PDF of 1,000 pages; and
how that grows over 50 files.
"""

import argparse
import atexit
import json
import os
import random
import secrets
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)
FOLDER = Path(tempfile.mkdtemp(prefix="chatbot-bench-", dir="/tmp"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
FOLDER.chmod(0o711)  # PostgreSQL may run as another user
os.environ |= {
    "CHATBOT_DATA_DIR": str(FOLDER / "bare"),
    "DJANGO_SETTINGS_MODULE": "chatbot_project.settings",
}

import django  # noqa: E402

django.setup()

import psutil  # noqa: E402

from bench.costs import cpu_seconds  # noqa: E402
from bench.platform import Platform, started  # noqa: E402
from knowledge.chunking import Block, split  # noqa: E402
from knowledge.embedders import embedder  # noqa: E402

WORDS_A_PARAGRAPH = 120
PARAGRAPHS_A_PAGE = 3
SAMPLE = 200  # chunks that the bare embedder is measured by
LONGEST = 3600  # seconds for a file
BETWEEN_LOOKS = 0.5  # seconds; a look takes the processor from what it looks at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=2_000)
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--files", type=int, default=50)
    asked = parser.parse_args()
    writer = Writer()
    folder = FOLDER / "platform"
    folder.mkdir(mode=0o711)
    with started(folder) as platform:
        print_speed(platform, writer, asked.chunks)
        print_memory(platform, writer, asked.pages)
        print_growth(platform, writer, asked.files)


class Writer:
    """Text of words that are as long, and as often the same, as those of English."""

    def __init__(self) -> None:
        self.random = random.Random(20250106)
        letters = "etaoinshrdlcumwfgypbvk"
        self.words = [
            "".join(self.random.choices(letters, k=self.random.randint(2, 9))) for _ in range(5_000)
        ]
        self.weights = [1 / (place + 2) for place in range(len(self.words))]

    def paragraph(self) -> str:
        words = self.random.choices(self.words, self.weights, k=WORDS_A_PARAGRAPH)
        return " ".join(words).capitalize() + "."

    def text(self, paragraphs: int) -> str:
        return "\n\n".join(self.paragraph() for _ in range(paragraphs))

    def text_of(self, chunks: int) -> str:
        """That many, as the product splits it, within a few in a hundred."""
        paragraphs = 20
        per_paragraph = len(pieces(self.text(paragraphs))) / paragraphs
        return self.text(round(chunks / per_paragraph))

    def pdf(self, pages: int) -> bytes:
        return pdf_of([self.text(PARAGRAPHS_A_PAGE) for _ in range(pages)])


def pieces(text: str) -> list[str]:
    found = split([Block(text)], title="bench", window=embedder().window)
    return [piece.embedded_text for piece in found]


def pdf_of(pages: list[str]) -> bytes:
    """The simplest PDF that says it: one font, a line of text every 12 points."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects.append(f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, page in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        stream = f"BT /F1 10 Tf 12 TL 36 756 Td {lines_of(page)} ET".encode()
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    return with_table(objects)


def lines_of(page: str) -> str:
    words, lines = page.split(), []
    for start in range(0, len(words), 14):
        lines.append(f"({' '.join(words[start : start + 14])}) Tj T*")
    return "\n".join(lines)


def with_table(objects: list[bytes]) -> bytes:
    made, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    made += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return bytes(made + b"startxref\n%d\n%%%%EOF\n" % start)


def print_speed(platform: Platform, writer: Writer, chunks: int) -> None:
    text = writer.text_of(chunks)
    sample = pieces(text)[:SAMPLE]
    before, cost_before = bare(sample)
    began, spent = time.perf_counter(), spent_by(platform)
    status = process(platform, "speed.txt", text.encode())
    chunks = status["chunks_created"]
    rate = chunks / (time.perf_counter() - began)
    cost = (spent_by(platform) - spent) / chunks
    after, cost_after = bare(sample)
    embedding, bare_cost = (before + after) / 2, (cost_before + cost_after) / 2
    print(f"{chunks} chunks of text: {rate:.1f} chunks/s from upload to end;")
    print(
        f"the bare embedder: {before:.1f} before, {after:.1f} after; share {rate / embedding:.2f}"
    )
    print(
        f"CPU time a chunk: {1000 * cost:.0f} ms of all processes; "
        f"the bare embedder's: {1000 * bare_cost:.0f} ms; share {bare_cost / cost:.2f}",
        flush=True,
    )


def bare(texts: list[str]) -> tuple[float, float]:
    """Chunks a second, and seconds of CPU time a chunk."""
    embedder().embed_query("warm")
    began, spent = time.perf_counter(), time.process_time()
    embedder().embed_passages(texts)
    seconds, cost = time.perf_counter() - began, time.process_time() - spent
    return len(texts) / seconds, cost / len(texts)


def spent_by(platform: Platform) -> float:
    """Seconds of CPU time, of all its processes."""
    return sum(cpu_seconds(platform.parts).values())


def print_memory(platform: Platform, writer: Writer, pages: int) -> None:
    pdf = writer.pdf(pages)
    with watched(platform) as peak:
        status = process(platform, "large.pdf", pdf)
    print(
        f"PDF of {pages} pages, {len(pdf) / 1e6:.1f} MB, {status['chunks_created']} chunks: "
        f"largest process of the worker {peak[0] / 1e6:.0f} MB",
        flush=True,
    )


def print_growth(platform: Platform, writer: Writer, files: int) -> None:
    sizes = []
    for number in range(files):
        process(platform, f"{number}.pdf", writer.pdf(5))
        sizes.append(largest_process(platform))
    marks = [sizes[place] / 1e6 for place in range(0, files, max(1, files // 5))]
    shown = ", ".join(f"{mark:.0f}" for mark in [*marks, sizes[-1] / 1e6])
    print(f"largest process of the worker over {files} files: {shown} MB")


@contextmanager
def watched(platform: Platform) -> Iterator[list[int]]:
    """The most memory that a process of the worker has had, as `peak[0]`."""
    peak, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            peak[0] = max(peak[0], largest_process(platform))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def largest_process(platform: Platform) -> int:
    """Bytes, of the worker's processes and of those that they have started."""
    sizes, worker = [0], platform.part("worker").root
    for child in [worker, *worker.children(recursive=True)]:
        try:
            sizes.append(child.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes)


def process(platform: Platform, filename: str, content: bytes) -> dict[str, Any]:
    """Uploads it and waits. Returns its status."""
    uploaded = call(platform, "/api/files/upload", *multipart(filename, content))
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        status = call(platform, f"/api/files/{uploaded['id']}/status")
        if status["status"] == "completed":
            return status
        if status["status"] == "failed":
            raise SystemExit(f"{filename}: {status['error']}")
        time.sleep(BETWEEN_LOOKS)
    raise SystemExit(f"{filename}: not ready after {LONGEST} seconds")


def multipart(filename: str, content: bytes) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def call(
    platform: Platform, path: str, body: bytes | None = None, content_type: str = ""
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {platform.key}", "Content-Type": content_type}
    url = f"http://127.0.0.1:{platform.port}{path}"
    request = urllib.request.Request(url, body, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


if __name__ == "__main__":
    main()
