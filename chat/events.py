"""The events of an answer, as JSON. Their ids and their way to the reader are the transport's."""

from typing import Any

from structlog.contextvars import get_contextvars

from chat.models import Message, Status
from chatbot_project.api import ids


def start(answer: Message) -> dict[str, Any]:
    return {
        "type": "start",
        "chat_id": ids.encode("chat", answer.chat_id),
        "message_id": answer.public_id,
        "model": answer.model,
    }


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def tool(call: dict[str, Any]) -> dict[str, Any]:
    """A call of a function: `running` first, then as it ended."""
    return {"type": "tool", **call}


def source(number: int, shown: dict[str, Any]) -> dict[str, Any]:
    """A passage that the answer may cite as `[number]`."""
    return {"type": "source", "number": number, **shown}


def end(answer: Message, message: str = "") -> dict[str, Any]:
    """`done` or, for an answer that failed, `error` with `message` for the reader. It names the
    request that asked; of an answer that ended long ago, the one that reads it."""
    if answer.status == Status.FAILED:
        return _error(answer.public_id, answer.error, message or FAILED)
    return {
        "type": "done",
        "message_id": answer.public_id,
        "status": answer.status,
        "finish_reason": answer.finish_reason or None,
        "model": answer.model,
        "provider_model": answer.provider_model,
        "usage": answer.usage,
        "tool_calls": answer.tool_calls,
    }


FAILED = "The answer could not be finished."
DELETED = "The chat of this answer has been deleted."


def deleted(message_id: str) -> dict[str, Any]:
    """The end for those who were reading it meanwhile."""
    return _error(message_id, "RESOURCE_NOT_FOUND", DELETED)


def _error(message_id: str, code: str, message: str) -> dict[str, Any]:
    details = {"request_id": get_contextvars().get("request_id")}
    error = {"code": code, "message": message, "details": details}
    return {"type": "error", "message_id": message_id, "error": error}


def is_last(event: bytes) -> bool:
    """Whether a rendered event is one that nothing follows."""
    return b'\ndata: {"type": "done"' in event or b'\ndata: {"type": "error"' in event
