"""What a model gets wrong in calling functions is told to it, bounded, and never a loop."""

import httpx2
import pytest
from django.db import connection, transaction

from chat import tokens, tool_calls
from chat.ending import sweep_abandoned
from chat.models import Message
from chat.tool_use import MOST_CALLS
from documents.models import Document
from documents.services import create_document
from tests import events
from tests.chat.asking import ask, error_of, history, streaming
from tests.chat.calls import CREATE, PLAN, calling, offered, told
from tests.chat.test_survive_process import let_leases_expire
from tests.completions import FunctionCall
from tests.live import LiveAccount
from tests.upstream import Script, Upstream
from tests.waiting import wait_until

BAD_CALLS = {
    "no JSON": FunctionCall("create_document", '{"title": "Pl'),
    "a list": FunctionCall("create_document", "[1]"),
    "NUL": FunctionCall("create_document", r'{"title": "a\u0000", "content": ""}'),
    "half a surrogate pair": FunctionCall("create_document", r'{"title": "\ud83d", "content": ""}'),
    "too deep": FunctionCall("create_document", '{"a":' * 9_000 + "1" + "}" * 9_000),
    "missing": FunctionCall("create_document", {"title": "Plan"}),
    "empty": FunctionCall("create_document", ""),
    "wrong type": FunctionCall("create_document", {**PLAN, "type": "poem"}),
    "a number": FunctionCall("create_document", {**PLAN, "content": 5}),
    "an unknown function": FunctionCall("delete_everything", {"now": {"really": [True]}}),
    "no name": FunctionCall("", {}),
    "no function's name": FunctionCall("functions.search x", {"query": "a"}),
    "an unknown document": FunctionCall("update_document", {"document_id": "doc_1", "title": "A"}),
    "no query": FunctionCall("search_knowledge", {"query": " "}),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_bad_call(
    name: str, client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(BAD_CALLS[name]), Script(["I was wrong."]))
    with streaming(client, model) as stream:
        got = list(stream)
    assert events.text_of(got) == "I was wrong."
    [failed] = got[-1].data["tool_calls"]
    assert (failed["status"], failed["result"]) == ("failed", None)
    assert failed["error"]["code"] in ("INVALID_REQUEST", "RESOURCE_NOT_FOUND")
    [result] = told(upstream.calls(model)[-1].body)
    assert result["error"]["code"] == failed["error"]["code"]
    assert not Document.objects.filter(owner=live_owner.user).exists()
    said = upstream.calls(model)[-1].body["messages"][-2]["tool_calls"][0]
    assert "Pl" not in said["function"]["arguments"] or name != "no JSON"  # providers parse it
    assert history(client, got[0].data["chat_id"])[-1]["tool_calls"] == [failed]


@pytest.mark.parametrize("name", ["", "functions.search x"])
def test_a_bad_name_spoils_no_later_turn(
    name: str, client: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(calling(FunctionCall(name, {})), Script(["I was wrong."]))
    answer = ask(client, model)
    assert answer["tool_calls"][0]["name"] == name
    ask(client, model, chat=answer["id"])
    bodies = [call.body for call in upstream.calls(model)]
    assert [bool(offered(body)) for body in bodies] == [True] * 3
    assert len(told(bodies[-1])) == 1


def test_who_refuses_this_chats_calls_is_offered_tools_elsewhere(
    client: httpx2.Client, upstream: Upstream
) -> None:
    refused = Script(status=400, error="Invalid 'messages[1].tool_calls[0].id'.")
    scripts = [calling(CREATE), Script(["Done."]), refused, Script(["Fine."])]
    model = upstream.model(*scripts)
    chat = ask(client, model)["id"]
    assert ask(client, model, chat=chat)["message"] == "Fine."
    ask(client, model)
    given = [bool(offered(call.body)) for call in upstream.calls(model)]
    assert given == [True, True, True, False, True]


def test_the_model_is_told_which_argument_is_wrong(
    client: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(calling(BAD_CALLS["wrong type"]), calling(CREATE), Script(["Done."]))
    statuses = [call["status"] for call in ask(client, model)["tool_calls"]]
    assert statuses == ["failed", "completed"]
    assert "type" in told(upstream.calls(model)[1].body)[0]["error"]["invalid_fields"]


def test_a_strangers_document_does_not_exist(
    client: httpx2.Client, upstream: Upstream, live_stranger: LiveAccount
) -> None:
    theirs = create_document(owner=live_stranger.user, title="Secret", content="Secret.")
    id = theirs.public_id
    calls = [
        FunctionCall("read_document", {"document_id": id}),
        FunctionCall("update_document", {"document_id": id, "content": "Mine."}),
    ]
    model = upstream.model(calling(*calls), Script(["Done."]))
    failed = ask(client, model)["tool_calls"]
    assert [call["error"]["code"] for call in failed] == ["RESOURCE_NOT_FOUND"] * 2
    assert "Secret" not in str(upstream.calls(model)[-1].body)
    theirs.refresh_from_db()
    assert (theirs.version, theirs.content) == (1, "Secret.")


def test_calls_without_end(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(CREATE))
    response = client.post("/api/chat", json={"message": "Hello", "model": model})
    assert (response.status_code, error_of(response)["code"]) == (503, "MODEL_UNAVAILABLE")
    bodies = [call.body for call in upstream.calls(model)]
    assert len(bodies) == MOST_CALLS + 1
    assert [body.get("tool_choice") for body in bodies] == [None] * MOST_CALLS + ["none"]
    saved = history(client, error_of(response)["details"]["chat_id"])[-1]
    assert saved["status"] == "failed"
    assert len(saved["tool_calls"]) == MOST_CALLS  # what was made is kept
    assert Document.objects.filter(owner=live_owner.user).count() == MOST_CALLS
    assert saved["usage"]["prompt_tokens"] > 0
    assert client.get("/api/usage").json()["totals"]["answers"] == 1


def test_ten_calls_in_a_row(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    """It goes on though it was told that the eighth is the last."""
    model = upstream.model(*[calling(CREATE, text="And.")] * 10, Script(["Enough."]))
    answer = ask(client, model)
    assert answer["message"] == "\n\n".join(["And."] * (MOST_CALLS + 1))
    assert [call["status"] for call in answer["tool_calls"]] == ["completed"] * MOST_CALLS
    assert Document.objects.filter(owner=live_owner.user).count() == MOST_CALLS
    assert len(upstream.calls(model)) == MOST_CALLS + 1


def test_ten_calls_at_once(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(*[CREATE] * 10), Script(["Enough."]))
    calls = ask(client, model)["tool_calls"]
    codes = [call["error"]["code"] if call["error"] else None for call in calls]
    assert codes == [None] * MOST_CALLS + ["RATE_LIMITED"] * 2
    assert Document.objects.filter(owner=live_owner.user).count() == MOST_CALLS
    last = upstream.calls(model)[-1].body
    assert last["tool_choice"] == "none"
    assert len(told(last)) == 10  # each call has its answer


def test_what_was_made_outlives_a_failure(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(CREATE, text="Let me."), Script(status=401))
    with streaming(client, model) as stream:
        got = list(stream)
    assert got[-1].data["error"]["code"] == "MODEL_UNAVAILABLE"
    saved = history(client, got[0].data["chat_id"])[-1]
    assert (saved["status"], saved["content"]) == ("failed", "Let me.")
    [call] = saved["tool_calls"]
    assert call["result"]["document_id"] == Document.objects.get(owner=live_owner.user).public_id


def test_a_passing_failure_repeats_no_call(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(CREATE), Script(status=503), Script(["Done."]))
    with streaming(client, model) as stream:
        assert events.text_of(stream) == "Done."
    assert Document.objects.filter(owner=live_owner.user).count() == 1


CUT_WHO_KEEPS_A_CALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%tool_calls%'
"""


def has_cut_who_keeps_a_call() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else this transaction sees no change
        cursor.execute(CUT_WHO_KEEPS_A_CALL)
        return bool(cursor.fetchall())


def test_a_database_that_is_lost_in_a_call_is_a_failure_that_has_a_name(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    gate = upstream.gate()
    model = upstream.model(calling(CREATE, text="Let me.", gate=gate), Script(["Never."]))
    with streaming(client, model) as stream:
        chat = next(stream).data["chat_id"]
        upstream.wait_for_call(model)
        with transaction.atomic():
            mine = Message.objects.filter(chat__owner=live_owner.user, role="assistant")
            mine.select_for_update(of=("self",)).get()
            gate.open()
            wait_until(has_cut_who_keeps_a_call)
        error = list(stream)[-1].data["error"]
    assert error["code"] == "MODEL_UNAVAILABLE"
    saved = history(client, chat)[-1]
    assert (saved["content"], saved["tool_calls"]) == ("Let me.", [])
    assert not Document.objects.filter(owner=live_owner.user).exists()


def test_a_cut_call_is_not_made(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(CREATE, fault="cut"), Script(["Again."]))
    with streaming(client, model) as stream:
        assert list(stream)[-1].type == "error"
    assert len(upstream.calls(model)) == 1  # it is not asked again: it had begun
    assert not Document.objects.filter(owner=live_owner.user).exists()


def test_it_is_stopped_in_between(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(CREATE), Script(gate=upstream.gate()))
    with streaming(client, model) as stream:
        chat = next(stream).data["chat_id"]
        call = upstream.wait_for_call(model, 2)
        stopped = client.post(f"/api/chat/{chat}/stop").json()["message"]
        last = list(stream)[-1].data
    assert call.dropped.wait(15)
    assert (stopped["status"], last["status"]) == ("stopped", "stopped")
    assert stopped["tool_calls"] == last["tool_calls"]
    assert stopped["tool_calls"][0]["status"] == "completed"
    assert len(upstream.calls(model)) == 2


def test_nothing_is_made_for_an_answer_that_has_ended(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    gate = upstream.gate()
    model = upstream.model(calling(CREATE, text="Wait.", gate=gate))
    with streaming(client, model) as stream:
        chat = next(stream).data["chat_id"]
        upstream.wait_for_call(model)
        # As another process does, a moment before this one hears of it.
        Message.objects.filter(chat__owner=live_owner.user).update(stop_requested=True)
        gate.open()
        assert list(stream)[-1].data["status"] == "stopped"
    assert not Document.objects.filter(owner=live_owner.user).exists()
    saved = history(client, chat)[-1]
    assert (saved["tool_calls"], saved["usage"]["completion_tokens"]) == ([], 1)


def test_a_sweep_keeps_calls_and_tokens(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    said = "One word after another. " * 20  # some 100 tokens
    scripts = [calling(CREATE, text=said, usage=False), Script(gate=upstream.gate())]
    model = upstream.model(*scripts)
    with streaming(client, model) as stream:
        chat = next(stream).data["chat_id"]
        upstream.wait_for_call(model, 2)
        wait_until(lambda: history(client, chat)[-1]["content"], "the keeper to save it")
        let_leases_expire(live_owner)
        wait_until(lambda: sweep_abandoned() or history(client, chat)[-1]["status"] != "generating")
        list(stream)
    saved = history(client, chat)[-1]
    assert [call["status"] for call in saved["tool_calls"]] == ["completed"]
    assert saved["usage"]["prompt_tokens"] > 0
    called = tokens.count(said) + tokens.count(CREATE.text)
    assert abs(saved["usage"]["completion_tokens"] - called) < 5


@pytest.mark.parametrize("name", ["create_document", "delete_everything"])
def test_arguments_that_no_tool_has_are_not_kept(
    name: str, client: httpx2.Client, upstream: Upstream
) -> None:
    many = {f"a{number}": number for number in range(1_000)}
    call = FunctionCall(name, {"title": "A", "content": 5, **many})
    answer = ask(client, upstream.model(calling(call), Script(["I was wrong."])))
    [failed] = history(client, answer["id"])[-1]["tool_calls"]
    known = {"title": "A", "content": 5} if name == "create_document" else {}
    assert (failed["status"], failed["arguments"]) == ("failed", known)


def test_text_that_is_not_shown_whole() -> None:
    assert tool_calls.shortened({"a": "b" * 600}) == '{"a": "' + "b" * 493 + "…"
    assert [tool_calls.shortened(value) for value in (None, True, 1.5)] == [None, True, 1.5]
