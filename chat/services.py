"""Asking: a question and the answer that is begun to it are stored, or refused."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import usage
from chat import announcing, attaching, catalog, context, limits, lookups, titles, tools
from chat.ending import LEASE, sweep
from chat.models import Chat, Message, Role, Status
from chat.providers import Prompt
from chat.turns import Asker, Turn
from chatbot_project.api.errors import ApiError, Conflict, InvalidRequest, ResourceNotFound
from chatbot_project.api.inserts import insert

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
    """The next question of the active branch. Raises Conflict while its last answer is written, and
    where another question has come first: this one's prompt would lack that exchange."""
    question = _question(chat, chat.leaf_id, message, attachments, asker)
    named = model or catalog.still_offered(chat.model)
    return _ask(chat, asker, question, named, options, Chat.objects.filter(leaf=chat.leaf_id))


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
    named = model or catalog.still_offered(edited.chat.model)
    return _ask(edited.chat, asker, question, named, options, Chat.objects.all())


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
    _store(Chat.objects.filter(pk=message.chat_id), asker, [answer])
    return _turn(message.chat, answer, named, branch, attached)


def _ask(
    chat: Chat,
    asker: Asker,
    question: Message,
    model: str,
    options: JSON,
    unchanged: QuerySet[Chat],
) -> Turn:
    named = catalog.resolve(model)
    usage.check_token_quota(asker.user)
    answer = _empty_answer(chat, question, named, options, asker)
    branch = [*_branch(question.parent_id), question]
    attached = attaching.of_branch(branch, asker.key)
    _store(unchanged.filter(pk=chat.pk), asker, [question, answer])
    return _turn(chat, answer, named, branch, attached)


def _branch(leaf_id: UUID | None) -> list[Message]:
    """Up to a message that is whole. Raises Conflict."""
    branch = list(Message.objects.branch(leaf_id, context.LONGEST_BRANCH))
    if branch and branch[-1].status == Status.GENERATING:
        if not sweep(Message.objects.filter(pk=branch[-1].pk)):
            raise _busy()
        branch = list(Message.objects.branch(leaf_id, context.LONGEST_BRANCH))
    return branch


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


def _store(chats: QuerySet[Chat], asker: Asker, messages: list[Message]) -> None:
    """Adds to the one of these chats. Raises Conflict while another answer of it is being written,
    and when it is no longer one of them."""
    try:
        _insert(chats, asker, messages)
    except Conflict:
        if not sweep(Message.objects.filter(chat=messages[-1].chat_id)):
            raise
        _insert(chats, asker, messages)  # whoever wrote the other one had died


def _insert(chats: QuerySet[Chat], asker: Asker, messages: list[Message]) -> None:
    answer = messages[-1]
    try:
        with transaction.atomic():
            checked = _begin(answer, asker)
            # First: it locks the chat, which may be about to be deleted.
            if not chats.update(leaf=answer, updated_at=Now()):
                raise _gone_or_busy(answer.chat_id)
            insert(*messages)
            if checked.is_heard and messages[0].role == Role.USER:
                announcing.question_asked(messages[0], asker.user.pk)
    except IntegrityError as error:
        if "one_answer_at_a_time" not in str(error):
            raise
        raise _busy() from error


def _gone_or_busy(chat_id: UUID) -> ApiError:
    if Chat.objects.filter(pk=chat_id).exists():
        return _busy()
    return ResourceNotFound("There is no such chat.")


def _busy() -> Conflict:
    return Conflict(
        "An answer is being generated in this chat. Wait for it, or stop it.",
        headers={"Retry-After": "1"},
    )


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
    messages = context.told(chat.system, branch, offered)
    prompt = Prompt(model.provider_name, messages, options, offered)
    may_find = answer.may_cite or attached
    lookup = lookups.of(answer, chat.owner_id, branch) if may_find else None
    return Turn(answer, chat.owner_id, prompt, first, lookup, attached)
