"""Answers as HTTP: whole ones, streams, and replays of either for an Idempotency-Key."""

import json
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)

from chat import citations, events, readers
from chat.models import Message, Status
from chat.turns import Turn
from chatbot_project.api import errors, idempotency, ids
from chatbot_project.api.threads import in_view_thread
from chatbot_project.api.times import rfc3339

FAILURES = {
    error.default_code: error
    for error in (errors.ModelUnavailable, errors.InvalidRequest, errors.InternalError)
}


def attach(request: HttpRequest, turn: Turn, *, stream: bool) -> None:
    """Ties the request's Idempotency-Key, if any, to the answer: a retry finds it, however the
    request ends."""
    idempotency.attach(request, {"message": turn.answer.id.hex, "stream": stream})


async def replay(request: HttpRequest, reference: idempotency.Reference) -> HttpResponseBase | None:
    """The answer that an earlier request began. None: it is still being written.

    Raises ApiError where a whole answer failed; ResourceNotFound when its chat has been deleted.
    """
    message = await in_view_thread(partial(_stored, UUID(reference["message"])))
    if message is None:
        raise errors.ResourceNotFound(events.DELETED)
    if message.status == Status.GENERATING:
        return None
    if reference["stream"]:
        return streamed(readers.from_start(message))
    return whole(message, headers=idempotency.REPLAYED)


def _stored(message_id: UUID) -> Message | None:
    message = Message.objects.select_related("chat").filter(pk=message_id).first()
    if message is not None:
        citations.attach([message], message.chat.owner_id)
    return message


def streamed(chunks: AsyncIterator[bytes]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        chunks,
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


def whole(
    message: Message, failure: str = "", headers: dict[str, str] | None = None
) -> HttpResponse:
    """Raises the ApiError of an answer that failed, `failure` being its message."""
    chat_id = ids.encode("chat", message.chat_id)
    if message.status == Status.FAILED:
        error = FAILURES.get(message.error, errors.InternalError)
        named = {"chat_id": chat_id, "message_id": message.public_id}
        raise error(failure or None, headers=headers, **named)
    shown = {
        "id": chat_id,
        "message_id": message.public_id,
        "message": message.content,
        "model": message.model,
        "provider_model": message.provider_model,
        "status": message.status,
        "finish_reason": message.finish_reason or None,
        "usage": message.usage,
        "tool_calls": message.tool_calls,
        "sources": message.sources,
        "created_at": rfc3339(message.created_at),
    }
    return HttpResponse(json.dumps(shown, ensure_ascii=False), "application/json", headers=headers)
