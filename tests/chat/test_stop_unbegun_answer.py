"""Answers that are stopped before they have begun: by their reader, by the end of the server."""

import asyncio

import pytest

from chat import generation, services
from chat.models import Message, Status
from chat.turns import Asker
from chatbot_project.api import shutdown
from tests.live import LiveAccount


def test_it_ends_and_can_be_followed_by_another(live_owner: LiveAccount) -> None:
    turn = services.start_chat(
        asker=Asker(live_owner.user, None), message="Hello", model="any", options={}
    )

    async def begin_and_stop() -> None:
        answer = generation.start(turn, stream=True)
        assert await generation.stop(turn.answer.id)
        assert answer.ended
        assert generation.find(turn.answer.id) is None
        await generation.stop_all()

    asyncio.run(begin_and_stop())
    assert Message.objects.get(pk=turn.answer.pk).status == Status.STOPPED


def test_one_begun_after_the_end_has_begun_is_saved_all_the_same(
    live_owner: LiveAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = services.start_chat(
        asker=Asker(live_owner.user, None), message="Hello", model="any", options={}
    )
    monkeypatch.setattr(shutdown, "_begun", True)

    async def begin() -> None:
        await generation.start(turn, stream=False).wait()

    asyncio.run(begin())
    assert Message.objects.get(pk=turn.answer.pk).status == Status.FAILED
