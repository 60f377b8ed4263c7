"""A request that does not come is not waited for without end, nor one that comes by the byte."""

# Twisted is barely typed.
# mypy: disable-error-code="no-untyped-call"

import json
from types import SimpleNamespace
from typing import Any

import pytest
from daphne.server import Server
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chatbot_project import wire

HEAD = "POST /sent HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = "POST /sent HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sent() -> StringTransport:
    class Transport(StringTransport):
        def loseWriteConnection(self) -> None:  # noqa: N802
            """A half-close, as TCP has it."""

    return Transport()


@pytest.fixture
def channel(clock: Clock, sent: StringTransport) -> Any:
    made: Any = wire.Channel()
    made.callLater = clock.callLater
    server = Server(None, endpoints=["tcp:0"])
    server.connections = {}
    made.factory = SimpleNamespace(server=server, log=lambda request: None)
    made.makeConnection(sent)
    return made


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (HEAD, b"x"),
        (HEAD.replace("100000", "100"), b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        ("", b"x"),
        ("GET / HTTP/1.1\r\n", b"x"),
        ("GET / HTTP/1.1\r\n", b"X: y\r\n"),
    ],
)
def test_one_that_trickles_is_refused(
    head: str, piece: bytes, channel: Any, clock: Clock, sent: StringTransport
) -> None:
    channel.dataReceived(head.encode())
    for _ in range(60):
        channel.dataReceived(piece)
        clock.advance(10)
    top, _, body = sent.value().decode().partition("\r\n\r\n")
    assert top.startswith("HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(body)["error"]["code"] == "INVALID_REQUEST"


def test_a_slow_line_has_time(channel: Any, clock: Clock, sent: StringTransport) -> None:
    channel.dataReceived(HEAD.encode())
    for _ in range(50):
        channel.dataReceived(b"x" * 1_900)
        clock.advance(1)
    assert sent.value() == b""


def test_no_clock_is_left_behind(channel: Any, clock: Clock) -> None:
    channel.dataReceived(HEAD.encode())
    assert clock.getDelayedCalls()
    channel.connectionLost(Failure(ConnectionDone()))
    assert not clock.getDelayedCalls()


def test_whoever_sends_nothing_more_is_not_told_so(
    channel: Any, clock: Clock, sent: StringTransport
) -> None:
    channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert not clock.getDelayedCalls()
    assert b"408" not in sent.value()
