"""Calls of functions as the messages of a prompt."""

import json
import re
from typing import Any

from chat.models import Message

JSON = dict[str, Any]
ODD = re.compile(r"[^a-zA-Z0-9_-]")  # in a function's name: OpenAI refuses the whole request


def call(id: str, name: str, arguments: str) -> JSON:
    """Whatever name the model has made up, what is sent back has one that providers take."""
    function = {"name": ODD.sub("_", name) or "unknown", "arguments": arguments}
    return {"id": id, "type": "function", "function": function}


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
