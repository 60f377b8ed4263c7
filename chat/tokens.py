"""Token counts for providers that send none, and for fitting a history into a context.

The embedder's WordPiece vocabulary stands in for all of them: within a few per cent of the common
byte-pair ones on English, a token a character on scripts without spaces, and 17 MB instead of 145.
"""

from collections.abc import Iterable
from typing import Any

from knowledge.tokens import count, cut

__all__ = ["count", "count_message", "count_messages", "cut", "text_of", "total"]

TOKENS_AROUND_A_MESSAGE = 4  # role and separators, as OpenAI counts them
MOST = 2**31 - 1  # that an answer's row can hold


def count_messages(messages: Iterable[dict[str, Any]]) -> int:
    return sum(map(count_message, messages))


def count_message(message: dict[str, Any]) -> int:
    return count(text_of(message)) + TOKENS_AROUND_A_MESSAGE


def total(*counts: int) -> int:
    """Of several calls to a model. A provider may say what it likes: the sum has to fit."""
    return min(sum(counts), MOST)


def text_of(message: dict[str, Any]) -> str:
    """All that a model has to read of it: calls of functions, too."""
    content: str = message["content"]
    if calls := message.get("tool_calls"):
        functions = [call["function"] for call in calls]
        content += "".join(each["name"] + each["arguments"] for each in functions)
    return content
