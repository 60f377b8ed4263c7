"""What the tests of function calls have in common."""

import json
from typing import Any

from tests.chat.asking import Json
from tests.completions import FunctionCall
from tests.upstream import Script

PLAN = {"title": "Plan", "content": "# Plan\n\n🎉 One.", "type": "markdown"}
CREATE = FunctionCall("create_document", PLAN)


def calling(*calls: FunctionCall, text: str = "", **script: Any) -> Script:
    """An answer that calls functions."""
    pieces = [text] if text else []
    return Script(pieces, calls=calls, finish_reason="tool_calls", **script)


def offered(body: Json) -> list[str]:
    """The functions that a call to the model offers it."""
    return [tool["function"]["name"] for tool in body.get("tools", ())]


def told(body: Json) -> list[Any]:
    """What the model is told that its calls returned."""
    return [json.loads(m["content"]) for m in body["messages"] if m["role"] == "tool"]
