"""An answer whose process ends is kept as far as it was written."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.utils import timezone

from chat import ending
from chat.models import Message, Status
from tests import events
from tests.chat.asking import ask, history, resuming, streaming
from tests.live import LiveAccount, StartServer
from tests.servers import Server
from tests.upstream import Script, Upstream, words
from tests.waiting import wait_until

PIECES = words(20)
SAID = "".join(PIECES[:10])
SWEPT_WITHIN = timedelta(seconds=30)


def let_leases_expire(chat_owner: LiveAccount) -> None:
    """What time does, without waiting for it."""
    generating = Message.objects.filter(chat__owner=chat_owner.user, status=Status.GENERATING)
    generating.update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def saved_text(client: httpx2.Client, chat: str) -> str:
    return str(history(client, chat)[-1]["content"])


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_kill_9_leaves_a_failed_message_with_the_partial_text(
    kind: str,
    start_server: StartServer,
    client: httpx2.Client,
    live_owner: LiveAccount,
    upstream: Upstream,
) -> None:
    dying = start_server(kind)
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)), Script(["Fine."]))
    with streaming(live_owner.client(dying), model) as stream:
        chat = events.read_text(stream, len(SAID))[0].data["chat_id"]
        wait_until(lambda: saved_text(client, chat) == SAID, "the partial text to be saved")
        dying.kill()
        with pytest.raises(httpx2.HTTPError):
            list(stream)
    let_leases_expire(live_owner)
    assert ending.sweep_abandoned() >= 1
    message = history(client, chat)[-1]
    assert (message["status"], message["content"]) == ("failed", SAID)
    assert message["error"] == {"code": "MODEL_UNAVAILABLE"}
    assert message["usage"]["completion_tokens"] >= 10
    assert ask(client, model, chat=chat)["message"] == "Fine."


def test_the_next_question_needs_no_sweep(
    start_server: StartServer, client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    dying = start_server()
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)), Script(["Fine."]))
    with streaming(live_owner.client(dying), model) as stream:
        chat = events.read_text(stream, len(SAID))[0].data["chat_id"]
        dying.kill()
    let_leases_expire(live_owner)
    assert ask(client, model, chat=chat)["message"] == "Fine."
    assert [message["status"] for message in history(client, chat)][1::2] == ["failed", "completed"]


def test_a_reader_elsewhere_is_told(
    start_server: StartServer, client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    dying = start_server()
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)))
    with streaming(live_owner.client(dying), model) as stream:
        chat = events.read_text(stream, len(SAID))[0].data["chat_id"]
        wait_until(lambda: saved_text(client, chat) == SAID, "the partial text to be saved")
        with resuming(client, chat) as joined:
            read = events.read_text(joined, len(SAID))
            dying.kill()
            let_leases_expire(live_owner)
            ending.sweep_abandoned()
            read += joined
    assert events.text_of(read) == SAID
    assert read[-1].data["error"]["code"] == "MODEL_UNAVAILABLE"


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_sigterm_saves_what_runs_as_failed(
    kind: str,
    start_server: StartServer,
    client: httpx2.Client,
    live_owner: LiveAccount,
    upstream: Upstream,
) -> None:
    ending: Server = start_server(kind)
    model = upstream.model(Script(PIECES, gate=upstream.gate(10)))
    with streaming(live_owner.client(ending), model) as stream:
        read = events.read_text(stream, len(SAID))
        ending.stop()
    message = history(client, read[0].data["chat_id"])[-1]
    assert (message["status"], message["content"]) == ("failed", SAID)
    assert upstream.wait_for_call(model).dropped.is_set()
    assert '"level": "error"' not in ending.log.read_text()


def test_the_sweep_comes_in_time() -> None:
    every: Any = settings.CELERY_BEAT_SCHEDULE["sweep-answers"]["schedule"]
    assert ending.LEASE + timedelta(seconds=every) < SWEPT_WITHIN


def test_the_sweep_leaves_running_answers_alone(client: httpx2.Client, upstream: Upstream) -> None:
    gate = upstream.gate(10)
    model = upstream.model(Script(PIECES, gate=gate))
    with streaming(client, model) as stream:
        read = events.read_text(stream, len(SAID))
        ending.sweep_abandoned()
        gate.open()
        read += stream
    assert events.text_of(read) == "".join(PIECES)
