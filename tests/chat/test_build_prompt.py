"""What the model is told: the system prompt, the branch so far, the caller's options."""

from typing import Any

import httpx2
from django.conf import LazySettings, settings

from chat import context, ending, services, tokens
from chat.models import Message, Role, Status
from chat.providers import Functions, Prompt
from chat.turns import Asker, Outcome
from tests.chat.asking import Json, ask
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


def fitted(system: str, branch: list[Message], offered: Functions | None = None) -> list[Json]:
    prompt = Prompt("any", context.told(system, branch, offered), tools=offered)
    assert not context.is_short(prompt)
    return context.fitted(prompt).messages


def test_the_question_is_told_however_long() -> None:
    branch = [Message(role=Role.USER, content="early " * 100)]
    branch += [Message(role=Role.USER, content="word " * 100_000)]
    told = fitted("Be brief.", branch)
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
    told = fitted("", [*branch, Message(role=Role.USER, content="Now?")], offered)
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
    assert [message["content"] for message in context.told("", branch)] == ["One?", "Two?"]


def test_what_is_short_is_told_whole(settings: LazySettings) -> None:
    """It is not even counted."""
    settings.CHAT_CONTEXT_TOKENS = 16_000
    branch = [Message(role=Role.USER, content="a " * 100) for _ in range(50)]
    prompt = Prompt("any", context.told("Be brief.", branch))
    assert context.is_short(prompt)
    assert context.fitted(prompt) == prompt
    assert not context.is_short(Prompt("any", prompt.messages, {"max_tokens": 8_000}))


def test_who_stores_a_question_counts_nothing(live_owner: LiveAccount) -> None:
    """Others wait for that thread and for the rows that it holds: it only tells what there is."""
    asked: Json = {"asker": Asker(live_owner.user, None), "model": "any", "options": {}}
    first = services.start_chat(message="word " * 20_000, **asked)
    ending.finish_answer(first, Outcome(Status.COMPLETED, "Yes."))
    chat = first.answer.chat
    turn = services.continue_chat(chat, message="And?", **asked)
    assert len(turn.prompt.messages) == 3
    told = context.fitted(turn.prompt).messages
    assert [message["content"] for message in told] == ["Yes.", "And?"]
