"""HTTP as daphne speaks it, mended: bodies bounded as they arrive, bad requests answered in our
format, writers that wait for slow readers. A request that can be read though something is wrong
with it is marked, and the application refuses it; only what cannot be read is answered here.
"""

# Twisted is barely typed.
# mypy: disable-error-code="no-untyped-call, override, union-attr, attr-defined, has-type, call-arg"

import asyncio
import json
import uuid
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.utils import HEADER_NAME_RE, INVALID_HEADER_VALUE_BYTES
from twisted.web import http

from chatbot_project.api import shutdown
from chatbot_project.api.body_limits import (
    SMALL,
    TOO_LARGE,
    UNKNOWN_SENDER,
    body_limit,
    is_welcome,
)
from chatbot_project.api.requests import is_api

log = structlog.get_logger("server")

# Twisted knows none of the newer ones: 429 Too Many Requests was "Unknown Status".
http.RESPONSES.update({status.value: status.phrase.encode() for status in HTTPStatus})

WHOLE_SECONDS = 60.0  # for a request, from its first byte on
BODY_RATE = 20_000  # bytes: a body over SMALL has a second more for so many
LONGEST_LENGTH = 30  # characters of a Content-Length
LINGER = 10.0  # seconds in which a refused client may stop sending and read why
BAD_HEADER = "The request has a header that is not valid."
BAD_REQUEST = "The request is not valid HTTP."
CODES = {
    400: "INVALID_REQUEST",
    408: "INVALID_REQUEST",
    500: "INTERNAL_ERROR",
    503: "INTERNAL_ERROR",
}
MESSAGES = {
    400: BAD_REQUEST,
    408: "The request did not come in time.",
    500: "Something went wrong on our side.",
    503: "No answer in time.",
}


def error_body(status: int, request_id: str) -> bytes:
    details = {"request_id": request_id}
    error = {"code": CODES[status], "message": MESSAGES[status], "details": details}
    return json.dumps({"error": error}).encode()


def without_host(target: bytes) -> bytes:
    """`/path` of `http://host/path`, which is how proxies are asked."""
    if target.lower().startswith((b"http://", b"https://")):
        return b"/" + b"".join(target.split(b"/", 3)[3:])
    return target


class BodyTooLarge(Exception):
    """More has come than the path may take."""


class Gate:
    """Open while the client takes what it is sent. Twisted shuts it when 64 kB wait."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.opened.set()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's interface
        self.opened.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        self.opened.set()

    def stopProducing(self) -> None:  # noqa: N802
        self.opened.set()


class Request(WebRequest):
    refusal: str | None = None
    welcome = False  # who sends it is known
    received = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Twisted would read forms into memory, a second time after Django.
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)
        self.gate = Gate()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Raises BodyTooLarge for chunked bodies; others have said their length before."""
        self.received += len(data)
        if self.received > self.channel.body_limit():
            raise BodyTooLarge
        super().handleContentChunk(data)

    def process(self) -> Any:
        self.requestHeaders.removeHeader(b"Daphne-Root-Path")  # a client must not choose routes
        self.requestHeaders.removeHeader(b"Upgrade")  # nothing here speaks another protocol yet
        self.drop_bad_headers()
        self.uri = without_host(self.uri)
        self.path = self.uri.partition(b"?")[0]
        return super().process()

    def drop_bad_headers(self) -> None:
        for name, values in list(self.requestHeaders.getAllRawHeaders()):
            bad = any(INVALID_HEADER_VALUE_BYTES.intersection(value) for value in values)
            if bad or not HEADER_NAME_RE.fullmatch(name):
                self.requestHeaders.removeHeader(name)
                self.refusal = BAD_HEADER

    def finish(self) -> None:
        self.open_gate()
        super().finish()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        self.open_gate()
        super().connectionLost(reason)

    def open_gate(self) -> None:
        self.gate.opened.set()
        if self.producer is not None and self.channel is not None:
            self.unregisterProducer()

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """The application has failed. Half a stream is cut, so that its reader does not wait on."""
        if self._response_started:
            if self.channel is not None:
                self.channel.forceAbortClient()
            return
        request_id = uuid.uuid4().hex
        headers = [(b"content-type", b"application/json"), (b"x-request-id", request_id.encode())]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        self.handle_reply(start)
        self.handle_reply({"type": "http.response.body", "body": error_body(status, request_id)})


class Channel(http.HTTPChannel):
    """One connection."""

    requestFactory = Request  # noqa: N815
    draining = False  # what still comes is thrown away
    cut: Any = None  # the timer that ends the lingering
    late: Any = None  # the timer that ends a request which does not come
    asking: "asyncio.Future[bool] | None" = None  # who sends it
    continue_wanted = False  # by a client that waits for it before it sends its body

    def path(self) -> str:
        target: Any = self._path
        path = without_host(target).partition(b"?")[0]
        return unquote_to_bytes(path).decode("utf-8", "replace")

    def body_limit(self) -> int:
        return body_limit(self._command.decode("latin-1"), self.path())

    def allHeadersReceived(self) -> None:  # noqa: N802
        if self.length is not None and self.length > self.body_limit():
            self.refuse(TOO_LARGE)
            self.length = 0  # so that the request is served now
        if self.length is not None and self.length > SMALL:
            self.ask()
        super().allHeadersReceived()
        if self.length is None or self.length > SMALL:
            expected = self.body_limit() if self.length is None else self.length
            self.start_clock(WHOLE_SECONDS + expected / BODY_RATE)
        self.persistent = self.persistent and not self.draining and not shutdown.has_begun()

    def ask(self) -> None:
        """Reads no more of a body until it is known who sends it."""
        if not is_api(self.path()):
            return
        self.paused = True
        self.transport.pauseProducing()
        asking = is_welcome(self.header(b"authorization"), self.header(b"cookie"))
        self.asking = asyncio.ensure_future(asking)
        self.asking.add_done_callback(self.told)

    def header(self, name: bytes) -> str:
        values = self.requests[-1].requestHeaders.getRawHeaders(name, [])
        return b",".join(values).decode("latin-1")

    def told(self, asking: "asyncio.Future[bool]") -> None:
        self.asking = None
        if asking.cancelled() or self.draining:  # the client has gone, or took too long
            return
        if asking.exception():
            log.error("nobody could be asked for a large body", exc_info=asking.exception())
        welcome = asking.exception() is None and asking.result()
        self.requests[-1].welcome = welcome
        if not welcome:
            self.give_up(UNKNOWN_SENDER)
        elif self.continue_wanted:
            super()._send100Continue()
        self.paused = self.continue_wanted = False
        self.transport.resumeProducing()
        self.dataReceived(b"")  # what came with the headers

    def allContentReceived(self) -> None:  # noqa: N802
        self.stop_clock()
        super().allContentReceived()

    def start_clock(self, seconds: float) -> None:
        self.stop_clock()
        self.late = self.callLater(seconds, self.refuse_and_disconnect, 408)

    def stop_clock(self) -> None:
        if self.late is not None and self.late.active():
            self.late.cancel()
        self.late = None

    def _send100Continue(self) -> None:  # noqa: N802
        if self.asking is not None:
            self.continue_wanted = True
        elif not self.draining:
            super()._send100Continue()

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        if self.draining:
            return
        try:
            super().rawDataReceived(data)
        except BodyTooLarge:
            self.give_up(TOO_LARGE)
        if self.is_unasked():
            self.ask()

    def is_unasked(self) -> bool:
        """Whether a body that has not said its length has become a large one."""
        if self.draining or self.length is not None or self._handlingRequest:
            return False
        if self.asking is not None:
            return False
        request = self.requests[-1]
        return request.received > SMALL and not request.welcome

    def give_up(self, reason: str) -> None:
        """In the midst of a body: what there is of it is thrown away, and the request served."""
        self.refuse(reason)
        request = self.requests[-1]
        request.content.close()
        request.content = BytesIO()
        self.allContentReceived()

    def refuse(self, reason: str) -> None:
        self.requests[-1].refusal = reason
        self.draining = True
        self.persistent = False

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self.draining:
            return
        if self.late is None and not self._handlingRequest:
            self.start_clock(WHOLE_SECONDS)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        if not self.draining:
            super().lineReceived(line)

    def headerReceived(self, line: bytes) -> bool:  # noqa: N802
        """Python reads no number of thousands of digits: Twisted would end in an exception."""
        name, _, value = line.partition(b":")
        if len(value) > LONGEST_LENGTH and name.lower() == b"content-length":
            self._respondToBadRequestAndDisconnect()
            return False
        valid: bool = super().headerReceived(line)
        return valid

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        self._respondToBadRequestAndDisconnect()

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802
        self.refuse_and_disconnect(400)

    def refuse_and_disconnect(self, status: int) -> None:
        """Once only: what follows the bad part would be found bad again."""
        if self.draining:
            return
        request_id = uuid.uuid4().hex
        body = error_body(status, request_id)
        head = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"X-Request-Id: {request_id}",
            "Connection: close",
        ]
        transport: Any = self.transport  # whose interface's methods have no `self`
        transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.draining = True
        self.loseConnection()

    def loseConnection(self) -> None:  # noqa: N802
        """Closing on a client that still sends would reset the connection and lose the answer."""
        if not self.draining:
            super().loseConnection()
        elif self.cut is None:
            self._networkProducer.unregisterProducer()
            self.transport.loseWriteConnection()
            self.cut = self.callLater(LINGER, self.transport.abortConnection)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        self.stop_clock()
        if self.asking is not None:
            self.asking.cancel()
        if self.cut is not None and self.cut.active():
            self.cut.cancel()
        super().connectionLost(reason)


class Factory(HTTPFactory):
    protocol = Channel

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        return http.HTTPFactory.buildProtocol(self, addr)

    def log(self, request: Any) -> None:
        """Ours is the middleware's. Twisted would put a line together for a file that is not."""
