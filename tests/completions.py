"""The JSON of an OpenAI-compatible server, for the scripted one."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # of a function


@dataclass(frozen=True)
class FunctionCall:
    """A call as the model makes it; arguments that are text are sent as they are."""

    name: str
    arguments: Json | str
    id: str = ""

    @property
    def text(self) -> str:
        sent = self.arguments
        return sent if isinstance(sent, str) else json.dumps(sent)

    def as_json(self, number: int) -> Json:
        function = {"name": self.name, "arguments": self.text}
        return {"id": self.id or f"call_{number}", "type": "function", "function": function}

    def deltas(self, number: int, size: int) -> Iterator[Json]:
        """The same in pieces: the name first, then `size` characters of arguments at a time."""
        first = {**self.as_json(number), "function": {"name": self.name, "arguments": ""}}
        yield {"index": number, **first}
        for start in range(0, len(self.text), size):
            yield {"index": number, "function": {"arguments": self.text[start : start + size]}}


def event(data: Json) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def model_entry(name: str) -> Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": "tests"}


def failure(status: int, message: str = "secret upstream words") -> Json:
    return {"error": {"message": message, "type": "scripted", "code": str(status)}}


def usage(pieces: Sequence[str], body: Json) -> Json:
    """A token a word of the prompt, a token a piece of the answer."""
    prompt = sum(len(str(message["content"]).split()) for message in body["messages"])
    completion = len(pieces)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def bad_name(body: Json) -> str:
    """What OpenAI says of a prompt with a call of a function whose name is none. "": nothing."""
    for at, message in enumerate(body.get("messages", ())):
        for number, call in enumerate(message.get("tool_calls", ())):
            if not NAME.fullmatch(call["function"]["name"]):
                return f"Invalid 'messages[{at}].tool_calls[{number}].function.name'."
    return ""


def common(body: Json, kind: str) -> Json:
    now = int(time.time())
    return {"id": "chatcmpl-mock", "object": kind, "created": now, "model": body.get("model")}


def chunk(body: Json, delta: Json, finish_reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**common(body, "chat.completion.chunk"), "choices": [choice]}


def completion(
    pieces: Sequence[str], body: Json, finish_reason: str, calls: Sequence[FunctionCall] = ()
) -> Json:
    message: Json = {"role": "assistant", "content": "".join(pieces) or None}
    if calls:
        message["tool_calls"] = [call.as_json(number) for number, call in enumerate(calls)]
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {**common(body, "chat.completion"), "choices": [choice]}
