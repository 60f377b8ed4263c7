"""What the model is told: the system prompt and as much of the branch as its context holds."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from chat import tokens, tool_messages, tools
from chat.models import Message, Role
from chat.providers import Prompt

JSON = dict[str, Any]
LONGEST_BRANCH = 500  # messages looked at; older ones are not sent
RESERVED_FOR_THE_ANSWER = 0.25  # of the context, when the request sets no max_tokens


def build(
    system: str,
    branch: Iterable[Message],
    max_tokens: int | None,
    offered: Sequence[JSON] = (),
) -> list[JSON]:
    """Messages for the provider: `system`, and the newest whole ones that the context holds.

    `offered` are the tools that go with them; calls of earlier answers are told only then.
    """
    head = [{"role": "system", "content": system}] if system else []
    if offered:
        said = [each for m in branch for each in _with_calls(m)]
    else:
        said = [m.as_prompt() for m in branch if m.content or m.role == Role.USER]
    fitting = _fitting(said, _budget(max_tokens, offered) - tokens.count_messages(head))
    while fitting[0]["role"] == "tool":  # its call did not fit
        del fitting[0]
    return head + fitting


def _with_calls(message: Message) -> list[JSON]:
    is_said = message.content or message.role == Role.USER
    return [*tool_messages.replayed(message), *([message.as_prompt()] if is_said else [])]


def refitted(prompt: Prompt) -> Prompt:
    """A prompt that has grown, without the oldest exchanges that there is no more room for.

    The question stays, and all that comes after it.
    """
    messages = prompt.messages
    head = messages[:1] if messages[0]["role"] == "system" else []
    rest = messages[len(head) :]
    room = room_beside(messages, prompt)
    first = 0
    for question in (index for index, each in enumerate(rest) if each["role"] == "user"):
        if room >= 0:
            break
        room += sum(map(_tokens_of, rest[first:question]))
        first = question
    return replace(prompt, messages=[*head, *rest[first:]])


def room_beside(messages: Iterable[JSON], prompt: Prompt) -> int:
    """How many tokens the prompt's context has for more than these messages. May be negative."""
    budget = _budget(prompt.options.get("max_tokens"), prompt.tools)
    return budget - sum(map(_tokens_of, messages))


def _tokens_of(message: JSON) -> int:
    said = "".join(call["function"]["arguments"] for call in message.get("tool_calls", ()))
    return tokens.count(message["content"] + said) + tokens.TOKENS_AROUND_A_MESSAGE


def _budget(max_tokens: int | None, offered: Sequence[JSON] = ()) -> int:
    context = settings.CHAT_CONTEXT_TOKENS
    reserved = int(context * RESERVED_FOR_THE_ANSWER)
    return context - min(max_tokens or reserved, context // 2) - tools.count(offered)


def _fitting(said: list[JSON], budget: int) -> list[JSON]:
    """The newest messages within `budget` tokens; the last one, the question, in any case."""
    room = budget
    for index in range(len(said) - 1, -1, -1):
        room -= _tokens_at_most(said[index]["content"], room)
        if room < 0 and index < len(said) - 1:
            return said[index + 1 :]
    return said


def _tokens_at_most(content: str, room: int) -> int:
    """Counted only when it matters: a text has no more tokens than bytes."""
    bound = len(content.encode()) + tokens.TOKENS_AROUND_A_MESSAGE
    return bound if bound * 4 < room else tokens.count(content) + tokens.TOKENS_AROUND_A_MESSAGE
