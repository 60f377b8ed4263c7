"""What the model is told: the system prompt and as much of the branch as its context holds."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from chat import tokens
from chat.models import Message, Role

LONGEST_BRANCH = 500  # messages looked at; older ones are not sent
RESERVED_FOR_THE_ANSWER = 0.25  # of the context, when the request sets no max_tokens


def build(system: str, branch: Iterable[Message], max_tokens: int | None) -> list[dict[str, Any]]:
    """Messages for the provider: `system`, and the newest whole ones that the context holds."""
    head = [{"role": "system", "content": system}] if system else []
    said = [m.as_prompt() for m in branch if m.content or m.role == Role.USER]
    return head + _fitting(said, _budget(max_tokens) - tokens.count_messages(head))


def _budget(max_tokens: int | None) -> int:
    context = settings.CHAT_CONTEXT_TOKENS
    reserved = int(context * RESERVED_FOR_THE_ANSWER)
    return context - min(max_tokens or reserved, context // 2)


def _fitting(said: list[dict[str, Any]], budget: int) -> list[dict[str, Any]]:
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
