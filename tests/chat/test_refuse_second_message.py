"""One answer at a time in a chat: whoever asks meanwhile is told to wait."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from django.utils import timezone

from chat import attaching, ending, services
from chat.models import Chat, Message, Status
from chat.turns import Asker, Outcome, Turn
from chatbot_project.api.errors import Conflict
from tests.chat.asking import ask, error_of, history, streaming
from tests.events import Event
from tests.live import LiveAccount
from tests.upstream import Script, Upstream, words

PIECES = words(20)
Clients = tuple[httpx2.Client, httpx2.Client]


@pytest.fixture
def busy(clients: Clients, upstream: Upstream) -> Iterator[tuple[str, str, Iterator[Event]]]:
    """A chat whose second answer is being written, its model, and the events of that answer."""
    writing, _ = clients
    gate = upstream.gate(1)
    model = upstream.model(Script(["First."]), Script(PIECES, gate=gate), Script(["Third."]))
    chat = ask(writing, model)["id"]
    with streaming(writing, model, chat=chat) as stream:
        next(stream)
        yield chat, model, stream
        gate.open()
        assert list(stream)[-1].type == "done"


def test_it_refuses_every_way_to_ask(
    clients: Clients, busy: tuple[str, str, Iterator[Event]]
) -> None:
    _, asking = clients
    chat, model, _ = busy
    question, answer = [message["id"] for message in history(asking, chat)[:2]]
    asked = {"message": "Hello", "model": model}
    refused = [
        asking.post(f"/api/chat/{chat}/messages", json=asked),
        asking.post(f"/api/chat/{chat}/messages", json={**asked, "stream": True}),
        asking.put(f"/api/chat/{chat}/messages/{question}", json=asked),
        asking.post(f"/api/chat/{chat}/messages/{answer}/regenerate", json={}),
    ]
    for response in refused:
        assert response.status_code == 409
        assert error_of(response)["code"] == "CONFLICT"
        assert int(response.headers["Retry-After"]) >= 1
    assert len(history(asking, chat, all="true")) == 4


def test_other_chats_go_on(
    clients: Clients, upstream: Upstream, busy: tuple[str, str, Iterator[Event]]
) -> None:
    _, asking = clients
    assert ask(asking, upstream.model(Script(["Hi."])))["message"] == "Hi."


def test_it_takes_the_next_one_afterwards(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(PIECES), Script(["Second."]))
    with streaming(client, model) as stream:
        start, *_ = stream
    chat = start.data["chat_id"]
    assert ask(client, model, chat=chat)["message"] == "Second."


def begun(owner: LiveAccount, chat: Chat | None = None) -> Turn:
    asked: Any = {"asker": Asker(owner.user, None), "message": "Hello", "model": "any"}
    if chat is None:
        return services.start_chat(**asked, options={})
    return services.continue_chat(chat, **asked, options={})


def test_it_does_not_ask_behind_an_answer_that_is_not_whole(
    live_owner: LiveAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may end before the question is stored: the prompt was made without it all the same."""
    first = begun(live_owner)
    of_branch = attaching.of_branch

    def ends_first(*read: Any) -> Any:
        ending.finish_answer(first, Outcome(Status.COMPLETED, "All of it"))
        return of_branch(*read)

    with monkeypatch.context() as between, pytest.raises(Conflict):
        between.setattr(attaching, "of_branch", ends_first)
        begun(live_owner, Chat.objects.get(pk=first.answer.chat_id))
    ending.finish_answer(first, Outcome(Status.COMPLETED, "All of it"))
    second = begun(live_owner, Chat.objects.get(pk=first.answer.chat_id))
    assert [said["content"] for said in second.prompt.messages][-2:] == ["All of it", "Hello"]


def test_it_goes_on_behind_an_answer_whose_writer_has_died(live_owner: LiveAccount) -> None:
    first = begun(live_owner)
    begun_before = Message.objects.filter(pk=first.answer.pk)
    begun_before.update(lease_expires_at=timezone.now() - timedelta(seconds=1), content="Half")
    second = begun(live_owner, Chat.objects.get(pk=first.answer.chat_id))
    assert [said["content"] for said in second.prompt.messages][-2:] == ["Half", "Hello"]


def test_a_question_that_came_first_is_not_passed_by(live_owner: LiveAccount) -> None:
    """Who has read the chat before it would hide it."""
    first = begun(live_owner)
    ending.finish_answer(first, Outcome(Status.COMPLETED, "One"))
    late = Chat.objects.get(pk=first.answer.chat_id)
    second = begun(live_owner, Chat.objects.get(pk=late.pk))
    ending.finish_answer(second, Outcome(Status.COMPLETED, "Two"))
    with pytest.raises(Conflict):
        begun(live_owner, late)
    late.refresh_from_db()
    assert [message.content for message in late.branch()] == ["Hello", "One", "Hello", "Two"]
