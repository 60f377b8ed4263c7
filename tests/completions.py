"""The JSON of an OpenAI-compatible server, for the scripted one."""

import json
import time
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def event(data: Json) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def model_entry(name: str) -> Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": "tests"}


def failure(status: int) -> Json:
    return {"error": {"message": "secret upstream words", "type": "scripted", "code": str(status)}}


def usage(pieces: Sequence[str], body: Json) -> Json:
    """A token a word of the prompt, a token a piece of the answer."""
    prompt = sum(len(str(message["content"]).split()) for message in body["messages"])
    completion = len(pieces)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def common(body: Json, kind: str) -> Json:
    now = int(time.time())
    return {"id": "chatcmpl-mock", "object": kind, "created": now, "model": body.get("model")}


def chunk(body: Json, delta: Json, finish_reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {**common(body, "chat.completion.chunk"), "choices": [choice]}


def completion(pieces: Sequence[str], body: Json, finish_reason: str) -> Json:
    message = {"role": "assistant", "content": "".join(pieces)}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {**common(body, "chat.completion"), "choices": [choice]}
