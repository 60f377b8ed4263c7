"""Ending and sweeping answers: how each ended, what it used, and who is told."""

from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts import usage
from chat import announcing, citations, tokens
from chat.models import Chat, Message, MessageQuerySet, Status
from chat.turns import Outcome, Turn
from webhooks.events import IS_HEARD

LEASE = timedelta(seconds=15)


def finish_answer(turn: Turn, outcome: Outcome) -> None:
    """Stores how the answer ended and what it used, unless that has been done before."""
    if outcome.status == Status.FAILED and not outcome.text:
        outcome = outcome._replace(prompt_tokens=0, completion_tokens=0)  # nothing was got
    elif outcome.completion_tokens is None or outcome.prompt_tokens is None:
        outcome = outcome._replace(
            prompt_tokens=tokens.count_messages(turn.prompt.messages),
            completion_tokens=tokens.count(outcome.text[outcome.begun :]),
        )
    _end(turn.answer, outcome, turn.owner_id)


ENDED = (
    *("status", "error", "content", "finish_reason", "provider_model"),
    *("prompt_tokens", "completion_tokens", "completed_at"),
)
# Ends an answer and counts it in one statement, which needs no transaction around it: the round
# trips of one would cost as much again. With webhooks to be told in the same transaction, that way
# is not open: the first flag says whether to end it all the same. The second: whether to count it.
END = f"""
WITH ended AS (
    UPDATE chat_message SET {", ".join(f"{name} = %s" for name in ENDED)}, lease_expires_at = NULL
    WHERE id = %s AND status = 'generating' AND (%s OR NOT {IS_HEARD})
    RETURNING id
), counted AS ({usage.ADD.format(condition="%s AND EXISTS (SELECT FROM ended)")})
SELECT {IS_HEARD} FROM ended
"""  # noqa: S608  (names of ours)


def _end(answer: Message, outcome: Outcome, owner_id: UUID) -> None:
    answer.status = outcome.status
    answer.error = outcome.error
    answer.content = outcome.text
    answer.finish_reason = outcome.finish_reason[:40]
    answer.provider_model = outcome.provider_model[:200] or answer.provider_model
    answer.prompt_tokens = tokens.total(outcome.prompt_tokens or 0, outcome.spent[0])
    answer.completion_tokens = tokens.total(outcome.completion_tokens or 0, outcome.spent[1])
    answer.completed_at = timezone.now()
    answer.lease_expires_at = None
    if _update_unfinished(answer, owner_id, heard_too=False) is not None:
        return
    with transaction.atomic():
        is_heard = _update_unfinished(answer, owner_id, heard_too=True)
        if is_heard:
            announcing.answer_ended(answer, owner_id)
    if is_heard is None:
        _tell_as_stored(answer)


def _tell_as_stored(answer: Message) -> None:
    """A sweep has ended it, or an earlier try that seemed to fail: what it stored is what counts.

    What has been deleted stays as it is here.
    """
    stored = Message.objects.filter(pk=answer.pk).values(*ENDED).first()
    for name, value in (stored or {}).items():
        setattr(answer, name, value)


def _update_unfinished(answer: Message, owner_id: UUID, *, heard_too: bool) -> bool | None:
    """Whether webhooks are to be told. None: it has been ended or deleted before, or webhooks are
    to be told and `heard_too` is false.
    """
    got = answer.prompt_tokens or answer.completion_tokens or answer.status != Status.FAILED
    used = usage.values(
        owner_id, answer.api_key_id, answer.prompt_tokens or 0, answer.completion_tokens or 0
    )
    ended = [getattr(answer, name) for name in ENDED]
    with connection.cursor() as cursor:
        cursor.execute(END, [*ended, answer.id, heard_too, owner_id, *used, bool(got), owner_id])
        row = cursor.fetchone()
        return row and row[0]


RENEW = """
UPDATE chat_message m SET content = said.content,
    lease_expires_at = now() + make_interval(secs => %s)
FROM unnest(%s::uuid[], %s::text[]) AS said (id, content)
WHERE m.id = said.id AND m.status = 'generating' AND NOT m.stop_requested
RETURNING m.id
"""


def renew_leases(texts: dict[UUID, str]) -> set[UUID]:
    """Saves the text so far of the answers of this process. Returns the ones that are to stop:
    asked to, deleted, or given up by a sweep."""
    with connection.cursor() as cursor:
        cursor.execute(RENEW, [LEASE.total_seconds(), list(texts), list(texts.values())])
        return set(texts) - {row[0] for row in cursor.fetchall()}


def request_stop(chat: Chat) -> Message | None:
    """Asks whoever writes this chat's answer to stop. None: nobody does."""
    answer = Message.objects.answers_in_progress().filter(chat=chat).first()
    if answer is not None:
        Message.objects.filter(pk=answer.pk).update(stop_requested=True)
    return answer


def has_ended(answer: Message) -> bool:
    """Ends it too, if whoever wrote it has died."""
    in_progress = Message.objects.answers_in_progress().filter(pk=answer.pk)
    return not in_progress.exists() or sweep(in_progress) > 0


def sweep_abandoned() -> int:
    """Ends the answers whose process has died. Returns how many."""
    return sweep(Message.objects.all())


def sweep(messages: MessageQuerySet) -> int:
    abandoned = messages.answers_in_progress().filter(lease_expires_at__lt=Now())
    found = list(abandoned.values_list("pk", "chat__owner_id")[:100])
    return sum(_end_abandoned(abandoned.filter(pk=pk), owner_id) for pk, owner_id in found)


@transaction.atomic
def _end_abandoned(abandoned: MessageQuerySet, owner_id: UUID) -> bool:
    """A transaction each, so that two sweeps never wait for each other in a circle."""
    answer = abandoned.select_for_update(skip_locked=True).first()
    if answer is None:
        return False
    citations.attach([answer], owner_id)
    outcome = Outcome(
        status=Status.STOPPED if answer.stop_requested else Status.FAILED,
        text=answer.content,
        error="" if answer.stop_requested else "MODEL_UNAVAILABLE",
        prompt_tokens=answer.prompt_tokens or 0,  # up to the last call of a function
        # Of text before that nobody knows where it ends: it must not be paid for twice.
        completion_tokens=max(answer.completion_tokens or 0, tokens.count(answer.content)),
    )
    _end(answer, outcome, owner_id)
    return True
