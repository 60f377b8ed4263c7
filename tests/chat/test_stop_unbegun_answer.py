"""A stop that comes in the very turn of the event loop in which an answer is begun."""

import asyncio

from chat import generation, services
from chat.models import Message, Status
from chat.turns import Asker
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
