"""`python -m chatbot_project.server`: daphne, mended where field experience asks for it.

It listens on HOST and PORT. SIGTERM and SIGINT: no new connections, the shutdown hooks (saving what
is being written), a moment for running requests to end, then the end.
"""

import asyncio
import gc
import sys
from io import BytesIO
from typing import Any

import structlog
from daphne import server as daphne_server
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server as Daphne
from django.conf import settings
from twisted.internet import defer

from chatbot_project.api import shutdown
from chatbot_project.api.body_limits import WELCOME, mark
from chatbot_project.asgi import application
from chatbot_project.wire import Factory, Request

log = structlog.get_logger("server")

BODY = "chatbot.body"  # in the ASGI scope, between daphne and `serve`
CHUNK = 65_536
GRACE = 1.0  # seconds for running requests to end, after the hooks
LAST = 0.5  # seconds for those that were cancelled then


async def serve(scope: Any, receive: Any, send: Any) -> None:
    """The application, with a body that is in a file handed on piece by piece."""
    body = scope.pop(BODY, None)
    if body is None:
        await application(scope, receive, send)
        return

    async def from_file() -> Any:
        piece = b"" if body.closed else body.read(CHUNK)
        if piece:
            return {"type": "http.request", "body": piece, "more_body": True}
        body.close()
        return await receive()

    with body:
        await application(scope, from_file, send)


class Server(Daphne):
    failed = False

    def __init__(self, **options: Any) -> None:
        super().__init__(serve, server_name="", action_logger=None, **options)
        self.ports: list[Any] = []

    def run(self) -> None:
        daphne_server.HTTPFactory = Factory
        super().run()

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self.ports.append(port)
        log.info("listening", address=f"{settings.HOST}:{settings.PORT}")

    def listen_error(self, failure: Any) -> None:
        self.failed = True
        reason = failure.getErrorMessage()
        sys.stderr.write(f"Cannot listen on {settings.HOST}:{settings.PORT}: {reason}\n")
        self.stop()

    def create_application(self, protocol: Any, scope: Any) -> Any:
        if isinstance(protocol, Request):
            protocol.registerProducer(protocol.gate, True)
            if protocol.refusal:
                mark(scope, protocol.refusal)
            scope[WELCOME] = protocol.welcome
            if not isinstance(protocol.content, BytesIO):  # a large one: it is in a file
                scope[BODY] = protocol.content
                protocol.content = BytesIO()
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: Any) -> None:
        """Sends, and comes back when the client has room for more."""
        await super().handle_reply(protocol, message)
        if isinstance(protocol, Request):
            await protocol.gate.opened.wait()

    def kill_all_applications(self) -> defer.Deferred[None]:
        """Twisted calls this before it shuts down, and waits for it."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self.wind_up()))

    async def wind_up(self) -> None:
        for port in self.ports:
            port.stopListening()
        await shutdown.run()
        running = self.running_applications()
        if running:
            _, late = await asyncio.wait(running, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.wait(running, timeout=LAST)
        await asyncio.sleep(0.01)  # the last answers are written in the loop's next turn

    def running_applications(self) -> list[asyncio.Future[Any]]:
        found = [details.get("application_instance") for details in self.connections.values()]
        return [task for task in found if task is not None and not task.done()]


def main() -> None:
    endpoints = build_endpoint_description_strings(host=settings.HOST, port=settings.PORT)
    server = Server(endpoints=endpoints)
    gc.set_threshold(20_000, 20, 50)
    gc.freeze()  # what start-up has made stays: no collection needs to look at it again
    server.run()
    sys.exit(1 if server.failed else 0)


if __name__ == "__main__":
    main()
