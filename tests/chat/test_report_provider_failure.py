"""What goes wrong at the model's provider is told in our words, and what was written is kept."""

from dataclasses import dataclass

import httpx2
import pytest

from tests import events
from tests.chat.asking import ask, error_of, history, streaming
from tests.live import LiveAccount, StartServer
from tests.upstream import Script, Upstream, words

PIECES = words(6)
SAID = "".join(PIECES[:3])


@dataclass(frozen=True)
class Failure:
    script: Script
    calls: int  # how often the provider is asked
    status: int = 503
    code: str = "MODEL_UNAVAILABLE"


BEFORE_THE_TEXT = {
    "401": Failure(Script(status=401), calls=1),
    "403": Failure(Script(status=403), calls=1),
    "429": Failure(Script(status=429, headers={"Retry-After": "0"}), calls=3),
    "429 for long": Failure(Script(status=429, headers={"Retry-After": "3600"}), calls=1),
    "500": Failure(Script(status=500), calls=3),
    "503": Failure(Script(status=503), calls=3),
    "hang up": Failure(Script(fault="hang up"), calls=1),
    "malformed": Failure(Script(PIECES, fault="malformed"), calls=1),
    "error": Failure(Script(PIECES, fault="error"), calls=1),
    "refused request": Failure(Script(status=400), 1, status=400, code="INVALID_REQUEST"),
    "unknown model": Failure(Script(status=404), 1, status=400, code="INVALID_REQUEST"),
}
ONLY_WHOLE = {
    "cut": Failure(Script(PIECES, fault="cut"), calls=1),
    "no choices": Failure(Script(PIECES, fault="no choices"), calls=1),
}
DURING_THE_TEXT = ["hang up", "cut", "unfinished", "malformed", "error"]


@pytest.mark.parametrize("name", [*BEFORE_THE_TEXT, *ONLY_WHOLE])
def test_whole(name: str, client: httpx2.Client, upstream: Upstream) -> None:
    failure = (BEFORE_THE_TEXT | ONLY_WHOLE)[name]
    model = upstream.model(failure.script)
    response = client.post("/api/chat", json={"message": "Hello", "model": model})
    assert response.status_code == failure.status
    error = error_of(response)
    assert error["code"] == failure.code
    assert ("Retry-After" in response.headers) == (failure.status == 503)
    assert "secret" not in response.text
    saved = history(client, error["details"]["chat_id"])[-1]
    assert saved["id"] == error["details"]["message_id"]
    assert (saved["status"], saved["content"]) == ("failed", "")
    assert saved["error"] == {"code": failure.code}
    assert len(upstream.calls(model)) == failure.calls


@pytest.mark.parametrize("name", BEFORE_THE_TEXT)
def test_streamed(name: str, either_client: httpx2.Client, upstream: Upstream) -> None:
    failure = BEFORE_THE_TEXT[name]
    model = upstream.model(failure.script)
    asked = {"message": "Hello", "model": model, "stream": True}
    with either_client.stream("POST", "/api/chat", json=asked) as response:
        start, last = list(events.stream(response))
    assert (start.type, last.type) == ("start", "error")
    assert last.data["error"]["code"] == failure.code
    request_id = response.headers["X-Request-Id"]
    assert last.data["error"]["details"] == {"request_id": request_id}
    assert "secret" not in str(last.data)
    saved = history(either_client, start.data["chat_id"])[-1]
    assert (saved["status"], saved["content"]) == ("failed", "")
    assert len(upstream.calls(model)) == failure.calls


@pytest.mark.parametrize("fault", DURING_THE_TEXT)
def test_the_partial_text_is_kept(
    fault: str, either_client: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(PIECES, fault=fault, fault_after=3))  # type: ignore[arg-type]
    with streaming(either_client, model) as stream:
        read = list(stream)
    assert events.text_of(read) == SAID
    assert (read[-1].type, read[-1].data["error"]["code"]) == ("error", "MODEL_UNAVAILABLE")
    saved = history(either_client, read[0].data["chat_id"])[-1]
    assert (saved["status"], saved["content"]) == ("failed", SAID)
    assert len(upstream.calls(model)) == 1  # nobody is told the same thing twice


@pytest.mark.parametrize("first", [Script(status=503), Script(status=500)])
def test_a_passing_failure_is_not_seen(
    first: Script, client: httpx2.Client, upstream: Upstream
) -> None:
    whole, streamed = upstream.model(first, Script(PIECES)), upstream.model(first, Script(PIECES))
    assert ask(client, whole)["message"] == "".join(PIECES)
    with streaming(client, streamed) as stream:
        assert events.text_of(stream) == "".join(PIECES)
    assert len(upstream.calls(whole)) == len(upstream.calls(streamed)) == 2


def test_refused_connections(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(PIECES))
    with upstream.down():
        refused = client.post("/api/chat", json={"message": "Hello", "model": model})
        with streaming(client, model) as stream:
            assert list(stream)[-1].data["error"]["code"] == "MODEL_UNAVAILABLE"
    assert (refused.status_code, error_of(refused)["code"]) == (503, "MODEL_UNAVAILABLE")
    chat = error_of(refused)["details"]["chat_id"]
    assert ask(client, model, chat=chat)["message"] == "".join(PIECES)


def test_time_outs(start_server: StartServer, live_owner: LiveAccount, upstream: Upstream) -> None:
    client = live_owner.client(start_server(CHAT_TIMEOUT="0.2"))
    model = upstream.model(Script(PIECES, gate=upstream.gate(3)))
    with streaming(client, model) as stream:
        read = list(stream)
    assert events.text_of(read) == SAID
    assert read[-1].data["error"]["code"] == "MODEL_UNAVAILABLE"
    silent = upstream.model(Script(gate=upstream.gate()))
    whole = client.post("/api/chat", json={"message": "Hello", "model": silent})
    assert (whole.status_code, error_of(whole)["code"]) == (503, "MODEL_UNAVAILABLE")
    for call in (*upstream.calls(model), *upstream.calls(silent)):
        assert call.dropped.wait(15)
    # The provider may still have been writing: it is not asked, and paid, twice.
    assert len(upstream.calls(model)) == len(upstream.calls(silent)) == 1


def test_words_that_no_database_takes(either_client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(PIECES, finish_reason="st\ud800op\0"))
    assert ask(either_client, model)["finish_reason"] == "st?op"
    with streaming(either_client, model) as stream:
        assert list(stream)[-1].data["finish_reason"] == "st?op"


def test_an_answer_without_end_is_cut(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(["x" * 1_000_000] * 9, gate=upstream.gate(8)))
    with streaming(client, model) as stream:
        last = list(stream)[-1]
    assert (last.type, last.data["finish_reason"]) == ("done", "length")
    assert upstream.wait_for_call(model).dropped.wait(15)


def test_a_refused_request_says_why_and_costs_nothing(
    client: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(status=400))
    refused = client.post("/api/chat", json={"message": "Hello", "model": model})
    assert "more text than its context holds" in error_of(refused)["message"]
    assert client.get("/api/usage").json()["totals"]["answers"] == 0
    assert client.get("/api/usage").json()["totals"]["total_tokens"] == 0
