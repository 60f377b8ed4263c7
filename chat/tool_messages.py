"""Calls of functions as the messages of a prompt."""

import json
from typing import Any

from chat.models import Message

JSON = dict[str, Any]


def call(id: str, name: str, arguments: str) -> JSON:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(text: str, said: list[JSON]) -> JSON:
    """What the model said: some text, it may be, and calls."""
    return {"role": "assistant", "content": text, "tool_calls": said}


def result(id: str, told: str) -> JSON:
    return {"role": "tool", "tool_call_id": id, "content": told}


def replayed(answer: Message) -> list[JSON]:
    """The calls of an earlier answer, as it has kept them: ids of documents for the next turn."""
    if not answer.tool_calls:
        return []
    kept = answer.tool_calls
    said = [call(each["id"], each["name"], json.dumps(each["arguments"])) for each in kept]
    told = [result(each["id"], json.dumps(each["result"] or each["error"])) for each in kept]
    return [calls("", said), *told]


def without(messages: list[JSON]) -> list[JSON]:
    """The messages that a model without functions understands."""
    return [each for each in messages if each["role"] != "tool" and "tool_calls" not in each]
