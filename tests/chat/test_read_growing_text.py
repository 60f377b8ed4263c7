"""A reader that follows an answer in the database is sent what is new of it, and nothing again."""

from typing import Any

import pytest

from accounts.models import User
from chat.models import Chat, Message

TEXT = "Grüße, 世界 😀!"


@pytest.fixture
def message(owner: User) -> Message:
    return Message.objects.create(chat=Chat.objects.create(owner=owner), content=TEXT)


@pytest.mark.parametrize("read", [0, 1, 10, len(TEXT), len(TEXT) + 5, 2**31 - 2])
def test_what_is_new(message: Message, read: int) -> None:
    found: Any = Message.objects.after(read).get(pk=message.pk)
    assert (found.rest, found.length) == (TEXT[read:], len(TEXT))
    assert "content" in found.get_deferred_fields()
