"""Titles made from the first exchange, by a worker, outside limits and quotas.

Which chats want one stands in the database. Waking a worker costs more than a title's share of it,
so a process does that every two seconds at most; beat sweeps up what a lost message left.
"""

import asyncio
import logging

from django.core.cache import cache
from django.db.models import Case, F, Value, When
from kombu.exceptions import OperationalError

from chat import catalog, providers
from chat.models import TITLE_LENGTH, Chat, Message, Role, Status
from chat.providers import Prompt, ProviderFailed
from chatbot_project.api.errors import ApiError
from chatbot_project.api.threads import in_database
from chatbot_project.celery import app

logger = logging.getLogger(__name__)

WAKE_SECONDS = 2.0
BATCH = 100
LOCK = "chat:titles"
TITLE_SECONDS = 30  # a worker has other work to do
LOCK_SECONDS = 120  # longer than a batch takes; a worker that dies delays titles so long
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
    except OperationalError as error:  # beat will do it
        logger.warning("titles_not_woken", extra={"error": type(error).__name__})


async def make_titles() -> None:
    """Titles for the chats that want one and have had an answer. Another worker may be at it."""
    if not cache.add(LOCK, 1, LOCK_SECONDS):
        return
    try:
        async with providers.opened() as provider:
            while answers := await in_database(_first_answers):
                titles = await asyncio.gather(*(_title(provider, answer) for answer in answers))
                await in_database(_save, answers, titles)
                cache.touch(LOCK, LOCK_SECONDS)
    finally:
        cache.delete(LOCK)


def _first_answers() -> list[Message]:
    """The first answers of some chats that want a title, with their questions."""
    answers = Message.objects.filter(
        chat__title_wanted=True,
        role=Role.ASSISTANT,
        status=Status.COMPLETED,
        parent__parent=None,
    )
    one_each = answers.select_related("chat", "parent").order_by("chat", "id").distinct("chat")
    return list(one_each[:BATCH])


async def _title(provider: providers.Provider, answer: Message) -> str:
    """Empty where none could be made: the cut message stays."""
    try:
        model = catalog.resolve(answer.chat.model).provider_name
        prompt = Prompt(model, _messages(answer), {"max_tokens": 30})
        async with asyncio.timeout(TITLE_SECONDS):
            piece = await provider.complete(prompt)
    except (ProviderFailed, ApiError, TimeoutError) as failure:
        logger.warning("title_not_made", extra={"reason": type(failure).__name__})
        return ""
    text = piece.text.encode("utf-8", "replace").decode().replace("\0", "")
    return " ".join(text.split()).strip("\"'“”.")[:TITLE_LENGTH]


def _messages(answer: Message) -> list[dict[str, str]]:
    exchange = [message for message in (answer.parent, answer) if message]
    said = "\n\n".join(f"{m.role}: {m.content[:LONGEST_EXCERPT]}" for m in exchange)
    return [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": said}]


def _save(answers: list[Message], titles: list[str]) -> None:
    """One statement for all. Who has renamed a chat meanwhile has taken the wish back."""
    written = [
        When(pk=answer.chat_id, then=Value(title))
        for answer, title in zip(answers, titles, strict=True)
        if title
    ]
    wanting = Chat.objects.filter(pk__in=[answer.chat_id for answer in answers], title_wanted=True)
    if written:
        wanting.update(title=Case(*written, default=F("title")), title_wanted=False)
    else:
        wanting.update(title_wanted=False)
