"""Webhook events of chats, for accounts that have endpoints: ask IS_HEARD with what is stored.

Each call belongs in the transaction of what it tells of.
"""

from typing import Any
from uuid import UUID

from chat.models import Message
from chatbot_project.api import ids
from webhooks import events


def question_asked(question: Message, owner_id: UUID) -> None:
    events.emit_heard(owner_id, [("chat.message", as_event(question, owner_id))])


def answer_ended(answer: Message, owner_id: UUID) -> None:
    """An answer that failed before its first word has ended too, but is no message."""
    told = as_event(answer, owner_id)
    completed = {**answer.as_json(), **told}
    del completed["id"]
    happened = [("chat.message", told)] if answer.content else []
    events.emit_heard(owner_id, [*happened, ("chat.completed", completed)])


def as_event(message: Message, owner_id: UUID) -> dict[str, Any]:
    """The data of `chat.message`, as published."""
    return {
        "chat_id": ids.encode("chat", message.chat_id),
        "message_id": message.public_id,
        "user_id": ids.encode("user", owner_id),
        "content": message.content,
        "role": message.role,
    }
