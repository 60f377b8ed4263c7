"""Titles made from the first exchange, by a worker, outside limits and quotas.

Which chats want one stands in the database. Waking a worker costs more than a title's share of it,
so a process does that once a second at most; beat sweeps up what a lost message left.
"""

import asyncio
import logging

from django.db import transaction

from chat import catalog, providers
from chat.models import TITLE_LENGTH, Chat, Message, Role, Status
from chat.providers import Prompt, ProviderFailed
from chatbot_project.api.errors import ApiError
from chatbot_project.api.threads import in_database
from chatbot_project.celery import app

logger = logging.getLogger(__name__)

WAKE_SECONDS = 1.0
BATCH = 20
LONGEST_EXCERPT = 2_000  # characters of each message
INSTRUCTION = (
    "Write a title of two to six words for this conversation, in its language. "
    "Answer with the title alone: no quotation marks, no full stop."
)

_waking: asyncio.TimerHandle | None = None


def wake_up() -> None:
    """Has a worker look for chats without a title, soon. Call it in the event loop."""
    global _waking
    if _waking is None:
        _waking = asyncio.get_running_loop().call_later(WAKE_SECONDS, _send)


def _send() -> None:
    global _waking
    _waking = None
    asyncio.get_running_loop().run_in_executor(None, _send_task)


def _send_task() -> None:
    try:
        app.send_task("chat.tasks.make_titles", retry=False)
    except OSError as error:  # kombu's OperationalError is one; beat will do it
        logger.warning("titles_not_woken", extra={"error": type(error).__name__})


async def make_titles() -> int:
    """Titles for the chats that want one and have had an answer. Returns how many were looked at."""
    looked_at = 0
    async with providers.opened() as provider:
        while chats := await in_database(_claim):
            await asyncio.gather(*(_make_title(provider, chat) for chat in chats))
            looked_at += len(chats)
    return looked_at


@transaction.atomic
def _claim() -> list[Chat]:
    """Chats whose first answer is there. Claimed by taking the wish back: a title is tried once."""
    answered = Message.objects.filter(status=Status.COMPLETED, role=Role.ASSISTANT)
    wanting = Chat.objects.filter(title_wanted=True, leaf__in=answered).order_by("id")
    chats = list(wanting.select_for_update(skip_locked=True, of=("self",))[:BATCH])
    Chat.objects.filter(pk__in=[chat.pk for chat in chats]).update(title_wanted=False)
    return chats


def _exchange(chat: Chat) -> str:
    first_two = Message.objects.branch(chat.leaf_id, 2)
    return "\n\n".join(f"{m.role}: {m.content[:LONGEST_EXCERPT]}" for m in first_two)


def _prompt(chat: Chat) -> Prompt:
    messages = [
        {"role": "system", "content": INSTRUCTION},
        {"role": "user", "content": _exchange(chat)},
    ]
    return Prompt(catalog.resolve(chat.model).provider_name, messages, {"max_tokens": 30})


async def _make_title(provider: providers.Provider, chat: Chat) -> None:
    try:
        piece = await provider.complete(await in_database(_prompt, chat))
    except (ProviderFailed, ApiError) as failure:
        logger.warning("title_not_made", extra={"reason": type(failure).__name__})
        return
    title = " ".join(piece.text.replace("\0", "").split()).strip("\"'“”.")[:TITLE_LENGTH]
    if title:
        unchanged = Chat.objects.filter(pk=chat.pk, title=chat.title)
        await in_database(unchanged.update, title=title)
