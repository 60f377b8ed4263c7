"""Where Redis has nothing of an answer, its readers follow what is stored of it."""

import httpx2
import pytest

from chat import ending, services, upkeep
from chat.models import Message, Status
from chat.turns import Asker, Outcome, Turn
from tests import events
from tests.chat.asking import resuming
from tests.live import LiveAccount

HALF, WHOLE = "Half of", "Half of it"
CALL = {"id": "call_0", "name": "read_document", "arguments": {}, "status": "failed"}


@pytest.fixture
def turn(live_owner: LiveAccount) -> Turn:
    """An answer that is being written, as it seems, and has been saved a moment ago."""
    asker = Asker(live_owner.user, None)
    begun = services.start_chat(asker=asker, message="Hello", model="any", options={})
    saved = Message.objects.filter(pk=begun.answer.pk)
    saved.update(content=HALF, tool_calls=[CALL])
    return begun


def test_they_are_told_which_answer_it_is_and_what_it_did(
    client: httpx2.Client, turn: Turn
) -> None:
    chat, message = turn.answer.chat.public_id, turn.answer.public_id
    with resuming(client, chat) as stream:
        read = events.read_text(stream, len(HALF))
        ending.finish_answer(turn, Outcome(Status.COMPLETED, WHOLE))
        read += stream
    assert [event.type for event in read] == ["start", "tool", "text", "text", "done"]
    told = {"chat_id": chat, "message_id": message, "model": "any"}
    assert read[0].data == {"type": "start", **told}
    assert read[1].data == {"type": "tool", **CALL}
    assert events.text_of(read) == WHOLE
    with resuming(client, chat, read[2].id) as stream:
        assert [event.data for event in stream] == [event.data for event in read[3:]]


def test_they_are_told_that_it_has_been_deleted(client: httpx2.Client, turn: Turn) -> None:
    chat = turn.answer.chat
    with resuming(client, chat.public_id) as stream:
        read = events.read_text(stream, len(HALF))
        upkeep.delete_chat(chat)
        [last] = stream
    assert (last.type, last.data["message_id"]) == ("error", read[0].data["message_id"])
    assert last.data["error"]["code"] == "RESOURCE_NOT_FOUND"
    assert last.data["error"]["details"]["request_id"]
