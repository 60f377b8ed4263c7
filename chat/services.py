"""Beginning, ending and sweeping answers: everything that writes chats and messages."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts import usage
from chat import (
    announcing,
    attaching,
    catalog,
    citations,
    context,
    limits,
    lookups,
    titles,
    tokens,
    tools,
)
from chat.models import Chat, Message, MessageQuerySet, Role, Status
from chat.providers import Prompt
from chat.turns import Asker, Outcome, Turn
from chatbot_project.api.errors import Conflict, InvalidRequest, ResourceNotFound
from chatbot_project.api.inserts import insert
from webhooks.events import IS_HEARD

LEASE = timedelta(seconds=15)
JSON = dict[str, Any]
OPTIONS = ("temperature", "max_tokens", "response_format")  # as the provider gets them
KEPT = (*OPTIONS, "knowledge", "tools")  # of an answer that is made again


def start_chat(
    *,
    asker: Asker,
    message: str,
    model: str,
    options: JSON,
    attachments: Sequence[JSON] = (),
    system: str = "",
    metadata: JSON | None = None,
) -> Turn:
    """A new chat with its first question. Raises InvalidRequest, RateLimited, QuotaExceeded."""
    named = catalog.resolve(model)
    usage.check_token_quota(asker.user)
    chat = Chat(
        owner=asker.user,
        title=titles.cut(message),
        # The models of our own are too small to write better ones.
        title_wanted=not settings.EMBEDDED_MODEL and named.name != catalog.EXTRACTIVE,
        model=named.name,
        system=system,
        metadata=metadata or {},
    )
    question = _question(chat, None, message, attachments, asker)
    answer = _empty_answer(chat, question, named, options, asker)
    attached = attaching.of_branch([question], asker.key)
    chat.leaf_id = answer.id
    with transaction.atomic():
        checked = _begin(answer, asker)
        insert(chat, question, answer)
        if checked.is_heard:
            announcing.question_asked(question, asker.user.pk)
    return _turn(chat, answer, named, [question], attached, first=True)


def continue_chat(
    chat: Chat,
    *,
    asker: Asker,
    message: str,
    model: str | None,
    options: JSON,
    attachments: Sequence[JSON] = (),
) -> Turn:
    """The next question of the active branch."""
    question = _question(chat, chat.leaf_id, message, attachments, asker)
    return _ask(chat, asker, question, model or catalog.still_offered(chat.model), options)


def edit_message(
    edited: Message,
    *,
    asker: Asker,
    message: str,
    model: str | None,
    options: JSON,
    attachments: Sequence[JSON] | None = None,
) -> Turn:
    """The question in other words, beside the old one: a new branch, and the active one.

    With the old one's attachments, unless others are given.
    """
    if edited.role != Role.USER:
        raise InvalidRequest("Only a message of the user can be edited.")
    kept = edited.attachments if attachments is None else attachments
    question = _question(edited.chat, edited.parent_id, message, kept, asker)
    return _ask(edited.chat, asker, question, model or edited.chat.model, options)


def regenerate(message: Message, *, asker: Asker, model: str | None, options: JSON) -> Turn:
    """Another answer to the same question, beside `message`."""
    if message.role != Role.ASSISTANT or message.parent is None:
        raise InvalidRequest("Only an answer can be made again.")
    named = catalog.resolve(model or catalog.still_offered(message.model))
    usage.check_token_quota(asker.user)
    kept = {name: message.options[name] for name in KEPT if name in message.options}
    answer = _empty_answer(message.chat, message.parent, named, {**kept, **options}, asker)
    branch = list(Message.objects.branch(message.parent_id, context.LONGEST_BRANCH))
    attached = attaching.of_branch(branch, asker.key)
    _store(message.chat, asker, [answer])
    return _turn(message.chat, answer, named, branch, attached)


def _ask(chat: Chat, asker: Asker, question: Message, model: str, options: JSON) -> Turn:
    named = catalog.resolve(model)
    usage.check_token_quota(asker.user)
    answer = _empty_answer(chat, question, named, options, asker)
    before = Message.objects.branch(question.parent_id, context.LONGEST_BRANCH)
    branch = [*before, question]
    attached = attaching.of_branch(branch, asker.key)
    _store(chat, asker, [question, answer])
    return _turn(chat, answer, named, branch, attached)


def _question(
    chat: Chat, parent_id: UUID | None, text: str, attachments: Sequence[JSON], asker: Asker
) -> Message:
    return Message(
        chat=chat,
        parent_id=parent_id,
        role=Role.USER,
        content=text,
        attachments=list(attachments),
        api_key=asker.key,
    )


def _empty_answer(
    chat: Chat, question: Message, model: catalog.Model, options: JSON, asker: Asker
) -> Message:
    lookups.check(options.get("knowledge"), model, asker.key)
    return Message(
        chat=chat,
        parent=question,
        role=Role.ASSISTANT,
        status=Status.GENERATING,
        model=model.name,
        provider_model=model.provider_name,
        options=options,
        api_key=asker.key,
    )


def _begin(answer: Message, asker: Asker) -> limits.Beginning:
    """In the transaction that stores it. Raises RateLimited."""
    beginning = limits.check_answers_at_once(asker.user)
    answer.lease_expires_at = beginning.now + LEASE
    answer.may_cite = beginning.has_knowledge
    return beginning


def _store(chat: Chat, asker: Asker, messages: list[Message]) -> None:
    """Adds to a chat. Raises Conflict while another answer of it is being written."""
    try:
        _insert(chat, asker, messages)
    except Conflict:
        if not _sweep(Message.objects.filter(chat=chat)):
            raise
        _insert(chat, asker, messages)  # whoever wrote the other one had died


def _insert(chat: Chat, asker: Asker, messages: list[Message]) -> None:
    try:
        with transaction.atomic():
            answer = messages[-1]
            checked = _begin(answer, asker)
            # First: it locks the chat, which may be about to be deleted.
            if not Chat.objects.filter(pk=chat.pk).update(leaf=answer, updated_at=Now()):
                raise ResourceNotFound("There is no such chat.")
            insert(*messages)
            if checked.is_heard and messages[0].role == Role.USER:
                announcing.question_asked(messages[0], asker.user.pk)
    except IntegrityError as error:
        if "one_answer_at_a_time" not in str(error):
            raise
        raise Conflict(
            "An answer is being generated in this chat. Wait for it, or stop it.",
            headers={"Retry-After": "1"},
        ) from error


def _turn(
    chat: Chat,
    answer: Message,
    model: catalog.Model,
    branch: list[Message],
    attached: Sequence[JSON],
    *,
    first: bool = False,
) -> Turn:
    options = {name: value for name, value in answer.options.items() if name in OPTIONS}
    offered = tools.offered(*model, answer.api_key, answer.options)
    messages = context.build(chat.system, branch, options.get("max_tokens"), offered)
    prompt = Prompt(model.provider_name, messages, options, offered)
    may_find = answer.may_cite or attached
    lookup = lookups.of(answer, chat.owner_id, branch) if may_find else None
    return Turn(answer, chat.owner_id, prompt, first, lookup, attached)


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
    return not in_progress.exists() or _sweep(in_progress) > 0


def sweep_abandoned() -> int:
    """Ends the answers whose process has died. Returns how many."""
    return _sweep(Message.objects.all())


def _sweep(messages: MessageQuerySet) -> int:
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
