"""An answer ends once: who comes later tells what is stored."""

from datetime import timedelta

from django.utils import timezone

from chat import ending, services
from chat.ending import sweep_abandoned
from chat.models import Message, Status
from chat.turns import Asker, Outcome, Turn
from tests.live import LiveAccount


def asked(owner: LiveAccount) -> Turn:
    return services.start_chat(
        asker=Asker(owner.user, None), message="Hello", model="any", options={}
    )


def test_a_swept_one_is_told_as_it_was_stored(live_owner: LiveAccount) -> None:
    turn = asked(live_owner)
    begun = Message.objects.filter(pk=turn.answer.pk)
    begun.update(lease_expires_at=timezone.now() - timedelta(seconds=1), content="Half of")
    assert sweep_abandoned() >= 1
    ending.finish_answer(turn, Outcome(Status.COMPLETED, "Half of it and the rest"))
    assert turn.answer.status == Status.FAILED
    assert turn.answer.error == "MODEL_UNAVAILABLE"
    assert turn.answer.content == begun.get().content == "Half of"


def test_saving_it_again_changes_nothing(live_owner: LiveAccount) -> None:
    turn = asked(live_owner)
    for _ in range(2):
        ending.finish_answer(turn, Outcome(Status.COMPLETED, "All of it"))
    assert (turn.answer.status, turn.answer.content) == (Status.COMPLETED, "All of it")
