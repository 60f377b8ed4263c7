"""Staff find and read chats and messages in the admin; they change nothing there."""

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Chat, Message, Role, Status


@pytest.fixture
def answer(owner: User) -> Message:
    chat = Chat.objects.create(owner=owner, title="About tides", model="any")
    return Message.objects.create(
        chat=chat, role=Role.ASSISTANT, content="Twice a day.", rating="down", comment="Short"
    )


@pytest.mark.parametrize("search", ["tides", "owner@"])
def test_chats_are_found(staff_browser: Client, answer: Message, search: str) -> None:
    page = staff_browser.get("/admin/chat/chat/", {"q": search})
    assert page.status_code == 200
    assert "About tides" in page.content.decode()
    one = staff_browser.get(f"/admin/chat/chat/{answer.chat_id}/change/")
    assert answer.chat.public_id in one.content.decode()


def test_rated_answers_are_found_and_read(staff_browser: Client, answer: Message) -> None:
    found = staff_browser.get("/admin/chat/message/", {"rating": "down"})
    assert answer.public_id in found.content.decode()
    page = staff_browser.get(f"/admin/chat/message/{answer.pk}/change/").content.decode()
    assert "Twice a day." in page
    assert "Short" in page


@pytest.mark.parametrize("model", ["chat", "message"])
def test_nothing_is_changed(staff_browser: Client, answer: Message, model: str) -> None:
    pk = answer.pk if model == "message" else answer.chat_id
    assert staff_browser.get(f"/admin/chat/{model}/add/").status_code == 403
    assert staff_browser.post(f"/admin/chat/{model}/{pk}/delete/").status_code == 403
    assert staff_browser.post(f"/admin/chat/{model}/{pk}/change/", {}).status_code == 403
    assert Message.objects.filter(pk=answer.pk, status=Status.COMPLETED).exists()
