"""Who gets functions: models that know them, keys that may, requests that want them."""

from typing import Any

import httpx2
import pytest

from accounts.services import create_api_key
from chat.tools import SEARCH, TOOLS
from documents.models import Document
from tests.chat.asking import ask, error_of, streaming
from tests.chat.calls import CREATE, calling, offered
from tests.live import LiveAccount, StartServer
from tests.servers import Server
from tests.upstream import Script, Upstream

NO_TOOLS = "registry.example/tiny does not support Tools"


def offer(client: httpx2.Client, upstream: Upstream, **asked: Any) -> list[str]:
    model = upstream.model(Script())
    ask(client, model, **asked)
    return offered(upstream.calls(model)[-1].body)


def test_all_by_default(client: httpx2.Client, upstream: Upstream) -> None:
    assert offer(client, upstream) == list(TOOLS)


def test_as_the_request_wants_them(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    chat = ask(client, model, tools=False)["id"]
    assert "tools" not in upstream.calls(model)[-1].body
    assert offer(client, upstream, tools=[]) == []
    wanted = ["find_documents", "search_knowledge"]
    answer = ask(client, model, chat=chat, tools=wanted)
    assert set(offered(upstream.calls(model)[-1].body)) == set(wanted)
    again = client.post(f"/api/chat/{chat}/messages/{answer['message_id']}/regenerate")
    assert again.status_code == 200
    assert set(offered(upstream.calls(model)[-1].body)) == set(wanted)


def test_no_search_without_knowledge(client: httpx2.Client, upstream: Upstream) -> None:
    assert offer(client, upstream, knowledge=False) == [n for n in TOOLS if n != SEARCH]
    asked = {"message": "Hello", "model": "extractive"}
    assert client.post("/api/chat", json=asked).json()["tool_calls"] == []


@pytest.mark.parametrize(
    "tools", [None, 1, "search_knowledge", ["delete"], [{"type": "function"}], [[]], {}]
)
def test_odd_wishes(tools: object, client: httpx2.Client) -> None:
    response = client.post("/api/chat", json={"message": "Hello", "model": "a", "tools": tools})
    assert response.status_code == 400
    assert list(error_of(response)["details"]["invalid_fields"]) == ["tools"]


def test_what_the_key_may(daphne: Server, live_owner: LiveAccount, upstream: Upstream) -> None:
    def key(*scopes: str) -> httpx2.Client:
        live_owner.key = create_api_key(live_owner.user, scopes=[*scopes])[1]
        return live_owner.client(daphne)

    assert offer(key("chat:write"), upstream) == []
    assert offer(key("chat:write", "knowledge:read"), upstream) == ["search_knowledge"]
    reader = key("chat:write", "documents:read")
    assert offer(reader, upstream) == ["find_documents", "read_document"]
    model = upstream.model(calling(CREATE), Script(["I may not."]))
    [call] = ask(reader, model)["tool_calls"]
    assert (call["status"], call["error"]["code"]) == ("failed", "RESOURCE_NOT_FOUND")
    assert not Document.objects.filter(owner=live_owner.user).exists()


@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_a_model_that_knows_none_is_asked_without(
    status: int, client: httpx2.Client, upstream: Upstream
) -> None:
    model = upstream.model(Script(status=status, error=NO_TOOLS), Script(["Fine."]))
    with streaming(client, model) as stream:
        assert [event.type for event in stream] == ["start", "text", "done"]
    ask(client, model)
    given = [bool(offered(call.body)) for call in upstream.calls(model)]
    assert given == [True, False, False]  # it is not tried again soon


def test_another_refusal_is_none_of_tools(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(status=400), Script(["Fine."]))
    assert client.post("/api/chat", json={"message": "Hello", "model": model}).status_code == 400
    ask(client, model)
    assert [bool(offered(call.body)) for call in upstream.calls(model)] == [True, True]


def test_calls_that_nobody_asked_for(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(calling(CREATE, text="Hm."))
    answer = ask(client, model, tools=False)
    assert (answer["message"], answer["tool_calls"]) == ("Hm.", [])
    assert len(upstream.calls(model)) == 1


def test_models_that_the_setting_names(
    start_server: StartServer, live_owner: LiveAccount, upstream: Upstream
) -> None:
    one, other = upstream.model(Script()), upstream.model(Script())
    client = live_owner.client(start_server(CHAT_TOOLS=one))
    for model in (one, other):
        ask(client, model)
    assert [bool(offered(upstream.calls(model)[0].body)) for model in (one, other)] == [True, False]
