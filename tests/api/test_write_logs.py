"""One line of JSON a request, with what finds it again, and nothing that must not be read."""

import json
import logging
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
from celery import shared_task

from chatbot_project import logs
from tests.live import LiveAccount, StartServer
from tests.waiting import wait_until

MESSAGE = "my secret plan about the pangolin"


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def line_of(log: Path, request_id: str) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [
            line
            for line in lines(log)
            if line["event"] == "request" and line["request_id"] == request_id
        ]

    [line] = wait_until(found, f"the line of {request_id}")
    return line


def test_a_line_tells_who_what_and_how_long(
    start_server: StartServer, live_owner: LiveAccount
) -> None:
    server = start_server()
    client = live_owner.client(server)
    answer = client.get("/api/chat?search=pangolin", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["X-Request-Id"] == "mine-1"
    line = line_of(server.log, "mine-1")
    key = live_owner.user.api_keys.get()
    assert line["account"] == live_owner.user.public_id
    assert line["key"] == key.public_id
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/chat", 200)
    assert 0 < line["duration_ms"] < 5000


def test_a_request_id_that_is_not_sane_is_replaced(
    start_server: StartServer, live_owner: LiveAccount
) -> None:
    client = live_owner.client(start_server())
    for given in ("x" * 200, "with blank", '"quoted"'):
        answer = client.get("/api/models", headers={"X-Request-Id": given})
        assert answer.headers["X-Request-Id"] != given
        assert len(answer.headers["X-Request-Id"]) == 32


def test_no_secret_gets_into_the_log(start_server: StartServer, live_owner: LiveAccount) -> None:
    server = start_server(LOG_LEVEL="DEBUG")
    client = live_owner.client(server)
    secret = live_owner.key
    client.post("/api/chat", json={"message": MESSAGE})
    client.post("/api/chat", json={"message": MESSAGE, "stream": True})
    client.post("/api/chat", json={"message": MESSAGE, "attachments": [MESSAGE]})
    client.post("/api/chat", content=MESSAGE.encode(), headers={"Content-Type": "application/json"})
    client.get(f"/api/chat?search={MESSAGE}&key={secret}")
    client.get(f"/api/chat/{secret}")
    client.get("/api/chat?search=%00")
    httpx2.get(f"{server.url}/api/chat", headers={"Authorization": f"Bearer {secret[:-1]}"})
    httpx2.get(f"{server.url}/reset/token-{secret}")
    last = client.get("/api/nowhere").headers["X-Request-Id"]
    line_of(server.log, last)
    log = server.log.read_text()
    assert secret not in log
    assert secret[:-1] not in log
    assert "pangolin" not in log


def test_what_libraries_add_to_a_line_is_in_it() -> None:
    extra = {"attempt": 3, "host": "db.example.com", "request": object()}
    record = logging.getLogger("library").makeRecord(
        "library", logging.WARNING, __file__, 1, "tried %s", ("again",), None, extra=extra
    )
    line = json.loads(logs.formatter(as_text=False).format(record))
    assert (line["event"], line["attempt"], line["host"]) == ("tried again", 3, "db.example.com")
    assert "request" not in line  # its text would hold the query


@shared_task
def fail_with(text: str) -> None:
    raise ValueError(text)


def test_what_fails_in_a_worker_is_told_without_its_text() -> None:
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter(as_text=False))
    tracer = logging.getLogger("celery.app.trace")
    tracer.addHandler(handler)
    fail_with.apply((MESSAGE,))
    tracer.removeHandler(handler)
    line = json.loads(written.getvalue())
    assert "fail_with" in line["event"]
    assert line["event"].endswith("ValueError")
    assert line["exception"].endswith("builtins.ValueError")
    assert "pangolin" not in written.getvalue()


def test_an_exception_among_the_arguments_is_its_type() -> None:
    said = ("%s: %r", "broken", KeyError(MESSAGE))
    record = logging.LogRecord("library", logging.ERROR, __file__, 1, said[0], said[1:], None)
    assert json.loads(logs.formatter(as_text=False).format(record))["event"] == "broken: 'KeyError'"


def test_a_path_moves_no_cursor_and_writes_no_line() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "/a\x1b[2J\x07\nb\u202ec", (), None)
    [line] = logs.formatter(as_text=True).format(record).splitlines()
    assert r"/a\x1b[2J\x07\nb\u202ec" in line
