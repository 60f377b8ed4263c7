"""A model that calls functions searches knowledge and writes documents, whole and streamed."""

import json

import httpx2
import pytest

from chat.tools import TOOLS, UPDATE
from documents.models import Document
from documents.services import create_document
from tests import events
from tests.chat.asking import Json, ask, history, streaming
from tests.chat.calls import CREATE, PLAN, calling, offered, told
from tests.completions import FunctionCall
from tests.knowledge.conftest import MakeSource
from tests.knowledge.conftest import make_source as make_source
from tests.live import LiveAccount
from tests.upstream import Script, Upstream


def call_once(client: httpx2.Client, upstream: Upstream, call: FunctionCall) -> tuple[Json, Json]:
    """The call as the answer shows it, and what the model is told."""
    model = upstream.model(calling(call), Script(["Done."]))
    [shown] = ask(client, model)["tool_calls"]
    [result] = told(upstream.calls(model)[-1].body)
    return shown, result


@pytest.mark.parametrize("stream", [False, True])
def test_it_creates_a_document(
    stream: bool, either_client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(CREATE, text="I write it."), Script(["Done: ", "see it."]))
    if stream:
        with streaming(either_client, model) as read:
            got = list(read)
        chat, answer, text = got[0].data["chat_id"], got[-1].data, events.text_of(got)
        kinds = [event.type for event in got if event.type != "text"]
        assert kinds == ["start", "tool", "tool", "done"]
        running, done = [event.data for event in got if event.type == "tool"]
        assert (running["status"], running["arguments"]) == ("running", PLAN)
        assert done == {"type": "tool", **answer["tool_calls"][0]}
    else:
        answer = ask(either_client, model)
        chat, text = answer["id"], answer["message"]
    assert text == "I write it.\n\nDone: see it."
    document = Document.objects.get(owner=live_owner.user)
    assert (document.title, document.content) == (PLAN["title"], PLAN["content"])
    made = {"document_id": document.public_id, "title": "Plan", "type": "markdown", "version": 1}
    [call] = answer["tool_calls"]
    assert call == {
        **{"id": "call_0", "name": "create_document", "arguments": PLAN},
        **{"status": "completed", "result": made, "error": None},
    }
    saved = history(either_client, chat)[-1]
    assert (saved["content"], saved["tool_calls"]) == (text, [call])
    first, second = (each.body for each in upstream.calls(model))
    assert offered(first) == offered(second) == list(TOOLS)
    assert second["messages"][:-2] == first["messages"]
    said, result = second["messages"][-2:]
    assert (said["content"], said["tool_calls"]) == ("I write it.", [CREATE.as_json(0)])
    assert (result["tool_call_id"], json.loads(result["content"])) == ("call_0", made)


def test_arguments_that_no_tool_offers_do_nothing(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    creating = FunctionCall("create_document", {**PLAN, "knowledge": True})
    made, _ = call_once(client, upstream, creating)
    assert made["arguments"] == PLAN
    id = made["result"]["document_id"]
    updating = FunctionCall(UPDATE, {"document_id": id, "title": "Menu", "knowledge": True})
    changed, _ = call_once(client, upstream, updating)
    assert (changed["status"], [*changed["arguments"]]) == ("completed", ["document_id", "title"])
    assert not Document.objects.get(owner=live_owner.user).knowledge


def test_usage_is_the_sum(client: httpx2.Client, upstream: Upstream) -> None:
    scripts = [calling(CREATE, text="One."), Script(["Two.", "Three."])]
    reported = ask(client, upstream.model(*scripts))["usage"]
    assert reported["prompt_tokens"] > 2  # "Hello", and "Hello" again with all that follows it
    assert reported["completion_tokens"] == 3
    silent = [calling(CREATE, usage=False), Script(["Two."], usage=False)]
    counted = ask(client, upstream.model(*silent))["usage"]
    assert counted["completion_tokens"] > 20  # the arguments count
    wordy = [calling(CREATE, text="One. " * 50, usage=False), Script(["Two."], usage=False)]
    once = ask(client, upstream.model(*wordy))["usage"]["completion_tokens"]
    assert counted["completion_tokens"] + 95 <= once < counted["completion_tokens"] + 110
    totals = client.get("/api/usage").json()["totals"]
    assert totals["answers"] == 3
    assert totals["completion_tokens"] == 3 + counted["completion_tokens"] + once


def test_a_sum_that_no_column_holds_is_cut(client: httpx2.Client, upstream: Upstream) -> None:
    """Each count alone would do."""
    most = {"prompt_tokens": 2**31 - 1, "completion_tokens": 2**31 - 1}
    scripts = [
        calling(CREATE, usage=most),
        calling(CREATE, usage=most),
        Script(["Two."], usage=most),
    ]
    answer = ask(client, upstream.model(*scripts))
    assert answer["usage"] == {**most, "total_tokens": 2**32 - 2}


def test_it_reads_and_changes_a_document(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    document = create_document(owner=live_owner.user, title="Menu", content="Soup.")
    id = document.public_id
    found, listed = call_once(client, upstream, FunctionCall("find_documents", {"search": "soups"}))
    assert listed == found["result"]
    assert [each["document_id"] for each in listed["documents"]] == [id]
    _, read = call_once(client, upstream, FunctionCall("read_document", {"document_id": id}))
    assert (read["title"], read["content"]) == ("Menu", "Soup.")
    change = {"document_id": id, "content": "Soup. Salad.", "title": None}
    reading = FunctionCall("read_document", {"document_id": id})
    model = upstream.model(calling(reading), calling(FunctionCall(UPDATE, change)), Script())
    shown = ask(client, model)["tool_calls"][-1]
    changed = told(upstream.calls(model)[-1].body)[-1]
    assert changed == shown["result"]
    assert (changed["version"], changed["changed"]) == (2, True)
    document.refresh_from_db()
    assert (document.title, document.content, document.version) == ("Menu", "Soup. Salad.", 2)
    assert [version.content for version in document.versions.order_by("number")] == [
        *("Soup.", "Soup. Salad.")
    ]


def test_it_searches_knowledge(
    client: httpx2.Client,
    upstream: Upstream,
    live_owner: LiveAccount,
    live_stranger: LiveAccount,
    make_source: MakeSource,
) -> None:
    mine = make_source(live_owner.user, ["The gizmo costs 42 euros."], title="Prices", pages=[3])
    make_source(live_stranger.user, ["The gizmo costs 41 euros."])
    search = FunctionCall("search_knowledge", {"query": "gizmo price", "limit": 20})
    shown, result = call_once(client, upstream, search)
    assert [each["source_id"] for each in shown["result"]["passages"]] == [mine.public_id]
    [passage] = result["passages"]
    assert passage["content"] == "The gizmo costs 42 euros."
    assert (passage["title"], passage["page"]) == ("Prices", 3)
    [kept] = shown["result"]["passages"]
    assert kept == {name: passage[name] for name in ("id", "source_id", "score")}


def test_it_searches_within_what_the_request_allows(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount, make_source: MakeSource
) -> None:
    make_source(live_owner.user, ["The gizmo costs 42 euros."])
    mine = make_source(live_owner.user, ["The gizmo costs 43 euros."], tags=["new"])
    search = FunctionCall("search_knowledge", {"query": "gizmo"})
    model = upstream.model(calling(search), Script(["Done."]))
    [shown] = ask(client, model, knowledge={"tags": ["new"]})["tool_calls"]
    assert [each["source_id"] for each in shown["result"]["passages"]] == [mine.public_id]


def test_several_calls_at_once(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    two = [FunctionCall("create_document", {**PLAN, "title": title}) for title in ("A", "B")]
    model = upstream.model(calling(*two, call_size=3), Script(["Done."]))
    with streaming(client, model) as stream:
        answer = list(stream)[-1].data
    titles = [call["result"]["title"] for call in answer["tool_calls"]]
    assert titles == ["A", "B"]
    assert Document.objects.filter(owner=live_owner.user).count() == 2
    assert len({call["id"] for call in answer["tool_calls"]}) == 2


def test_long_arguments_are_stored_whole_and_shown_cut(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    content = "Ein Wörtchen. " * 20_000
    call = FunctionCall("create_document", {"title": "Long", "content": content})
    model = upstream.model(calling(call, call_size=4_000), Script(["Done."]))
    with streaming(client, model) as stream:
        [shown] = list(stream)[-1].data["tool_calls"]
    assert Document.objects.get(owner=live_owner.user).content == content
    assert shown["arguments"] == {"title": "Long", "content": content[:500] + "…"}


def test_a_long_result_is_cut(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    document = create_document(owner=live_owner.user, title="Long", content="word " * 100_000)
    read = FunctionCall("read_document", {"document_id": document.public_id})
    model = upstream.model(calling(read), calling(read), Script(["Done."]))
    reads = ask(client, model)["tool_calls"]
    assert [each["result"]["truncated"] for each in reads] == [True, True]
    first, second = (m["content"] for m in upstream.calls(model)[2].body["messages"][2::2])
    assert 10_000 < len(first) < 30_000  # a quarter of 16,000 tokens
    assert first.endswith("[Cut: there is no room for more.]")
    assert second == "[Cut: there is no room for more.]"


def test_the_next_turn_knows_what_was_made(
    client: httpx2.Client, upstream: Upstream, live_owner: LiveAccount
) -> None:
    model = upstream.model(calling(CREATE), Script(["Done."]))
    chat = ask(client, model)["id"]
    ask(client, model, chat=chat, message="And now?")
    ask(client, model, chat=chat, message="Without?", tools=False)
    with_tools, without = (call.body["messages"] for call in upstream.calls(model)[-2:])
    roles = [message["role"] for message in with_tools]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    document = Document.objects.get(owner=live_owner.user)
    assert json.loads(with_tools[2]["content"])["document_id"] == document.public_id
    assert {message["role"] for message in without} == {"user", "assistant"}
    assert not any("tool_calls" in message for message in without)


def test_a_later_reader_sees_the_calls(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(calling(CREATE), Script(["Done."]))
    chat = ask(client, model)["id"]
    with client.stream("GET", f"/api/chat/{chat}/stream") as response:
        read = list(events.stream(response))
    assert [event.type for event in read] == ["start", "tool", "text", "done"]
    assert read[1].data == {"type": "tool", **read[-1].data["tool_calls"][0]}
