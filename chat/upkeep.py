"""Changes to chats and messages that no model has a part in."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from chat.models import Chat, Message, Role
from chatbot_project.api.errors import InvalidRequest

MOST_DELETED = 100  # chats in one transaction


def change_chat(chat: Chat, **changes: Any) -> None:
    """`title` (it is not written again then) and `metadata`."""
    if not changes:
        return
    if "title" in changes:
        changes["title_wanted"] = False
    for name, value in changes.items():
        setattr(chat, name, value)
    Chat.objects.filter(pk=chat.pk).update(**changes, updated_at=Now())


@transaction.atomic
def delete_chat(chat: Chat) -> None:
    """With its messages. Locked first, so that no question comes in between."""
    for locked in Chat.objects.select_for_update().filter(pk=chat.pk):
        locked.delete()


@transaction.atomic
def delete_chats_of(owner: User) -> bool:
    """Some of them, before their account is deleted. False: there was none.

    Whoever writes an answer stops."""
    some = Chat.objects.filter(owner=owner).order_by("pk")[:MOST_DELETED]
    found = list(some.select_for_update().values_list("pk", flat=True))
    return bool(Chat.objects.filter(pk__in=found).delete()[0])


def give_feedback(message: Message, *, rating: str | None, comment: str) -> None:
    """Replaces what was said of an answer before; a rating of None takes it back."""
    if message.role != Role.ASSISTANT:
        raise InvalidRequest("Only an answer can be rated.")
    message.rating = rating or ""
    message.comment = comment if rating else ""
    same = Message.objects.filter(pk=message.pk)
    same.update(rating=message.rating, comment=message.comment)
