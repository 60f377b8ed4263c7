"""What the model is told: the system prompt, the branch so far, the caller's options."""

from typing import Any

import httpx2
from django.conf import settings

from chat import context, tokens
from chat.models import Message, Role
from chat.providers import Functions
from tests.chat.asking import ask
from tests.live import LiveAccount, StartServer
from tests.upstream import Script, Upstream, words


def said(upstream: Upstream, model: str, call: int = -1) -> list[tuple[str, str]]:
    messages = upstream.calls(model)[call].body["messages"]
    return [(message["role"], message["content"]) for message in messages]


def test_the_whole_chat_is_told(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(["First."]), Script(["Second."]))
    chat = ask(client, model, message="One?", system="Be brief.")["id"]
    ask(client, model, chat=chat, message="Two?")
    assert said(upstream, model) == [
        ("system", "Be brief."),
        ("user", "One?"),
        ("assistant", "First."),
        ("user", "Two?"),
    ]


def test_options_are_passed_on(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    options: dict[str, Any] = {
        "temperature": 0.25,
        "max_tokens": 12,
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
    }
    chat = ask(client, model, **options)["id"]
    body = upstream.calls(model)[0].body
    assert {name: body[name] for name in options} == options
    ask(client, model, chat=chat, knowledge=False, tools=False)
    assert set(upstream.calls(model)[1].body) == {"model", "messages"}


def test_a_long_chat_is_cut_by_whole_messages(
    start_server: StartServer, live_owner: LiveAccount, upstream: Upstream
) -> None:
    client = live_owner.client(start_server(CHAT_CONTEXT_TOKENS="1000"))
    model = upstream.model(Script(words(20)))
    long = "A sentence of some ten words says nothing much here. " * 10  # some 110 tokens
    chat = ask(client, model, message="The very first.", system="Be brief.")["id"]
    for _ in range(8):
        ask(client, model, chat=chat, message=long)
    ask(client, model, chat=chat, message="The last.")
    told = said(upstream, model)
    assert told[0] == ("system", "Be brief.")
    assert told[-1] == ("user", "The last.")
    assert ("user", "The very first.") not in told
    assert 3 < len(told) < 14
    whole = {"".join(words(20)), long.strip(), long, "Be brief.", "The last."}
    assert {content for _, content in told} <= whole


def test_the_question_is_told_however_long() -> None:
    branch = [Message(role=Role.USER, content="early " * 100)]
    branch += [Message(role=Role.USER, content="word " * 100_000)]
    told = context.build("Be brief.", branch, None)
    assert [message["role"] for message in told] == ["system", "user"]
    assert told[-1]["content"] == branch[-1].content


def test_calls_of_earlier_answers_are_within_the_budget() -> None:
    arguments = {"title": "Plan", "content": "word " * 100}
    calls: list[dict[str, Any]] = [
        {"id": f"call_{n}", "name": "create_document", "arguments": arguments, "result": {"n": n}}
        for n in range(8)
    ]
    branch = [
        message
        for _ in range(40)
        for message in (
            Message(role=Role.USER, content="Go on."),
            Message(role=Role.ASSISTANT, content="Done.", tool_calls=calls),
        )
    ]
    offered = Functions(("create_document",), "[]", tokens=500)
    told = context.build("", [*branch, Message(role=Role.USER, content="Now?")], None, offered)
    sent = sum(
        tokens.count(m["content"])
        + sum(tokens.count(call["function"]["arguments"]) for call in m.get("tool_calls", ()))
        for m in told
    )
    budget = 0.75 * settings.CHAT_CONTEXT_TOKENS - offered.tokens
    assert budget / 2 < sent <= budget
    assert told[0]["role"] != "tool"


def test_answers_without_text_are_left_out() -> None:
    branch = [
        Message(role=Role.USER, content="One?"),
        Message(role=Role.ASSISTANT, content=""),
        Message(role=Role.USER, content="Two?"),
    ]
    assert [message["content"] for message in context.build("", branch, None)] == ["One?", "Two?"]
