"""Titles made from the first exchange, by a worker, outside limits and quotas.

Which chats want one stands in the database. Waking a worker costs more than a title's share of it,
so a process does that every two seconds at most; beat sweeps up what a lost message left.
"""

import asyncio
import logging
from typing import NamedTuple
from uuid import UUID

from django.core.cache import cache
from django.db import connection

from chat import catalog, providers
from chat.models import TITLE_LENGTH
from chat.providers import Prompt, ProviderFailed
from chatbot_project.api import workers
from chatbot_project.api.errors import ApiError
from chatbot_project.api.threads import in_database

logger = logging.getLogger(__name__)

WAKE_SECONDS = 2.0
BATCH = 100
LOCK = "chat:titles"
TITLE_SECONDS = 30  # a worker has other work to do
LOCK_SECONDS = 120  # longer than a batch takes; a worker that dies delays titles so long
INSTRUCTION = (
    "Write a title of two to six words for this conversation, in its language. "
    "Answer with the title alone: no quotation marks, no full stop."
)

# The chats are few, found by an index of their own, and the first answer of each is looked up:
# the planner would rather sort all the answers there are.
FIRST_EXCHANGES = """
SELECT chat.id, chat.model, first.question, first.answer
FROM chat_chat chat CROSS JOIN LATERAL (
    SELECT left(question.content, 2000) AS question, left(answer.content, 2000) AS answer
    FROM chat_message answer JOIN chat_message question ON question.id = answer.parent_id
    WHERE answer.chat_id = chat.id AND answer.role = 'assistant' AND answer.status = 'completed'
        AND question.parent_id IS NULL
    ORDER BY answer.id LIMIT 1
) first
WHERE chat.title_wanted ORDER BY chat.id LIMIT %s
"""
SAVE = """
UPDATE chat_chat chat SET title_wanted = false,
    title = CASE WHEN made.title = '' THEN chat.title ELSE made.title END
FROM unnest(%s::uuid[], %s::text[]) AS made (id, title)
WHERE chat.id = made.id AND chat.title_wanted
"""

# Their first answer has been stopped or has failed, and nobody has asked for another one.
FORGET = """
UPDATE chat_chat SET title_wanted = false
WHERE title_wanted AND created_at < now() - interval '1 day'
"""

_waking: asyncio.TimerHandle | None = None


class Exchange(NamedTuple):
    """The beginning of a chat, each message cut."""

    chat_id: UUID
    model: str
    question: str
    answer: str


def cut(text: str) -> str:
    """The first words of a message, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"


def wake_up() -> None:
    """Has a worker look for chats without a title, soon. Call it in the event loop."""
    global _waking
    if _waking is None:
        _waking = asyncio.get_running_loop().call_later(WAKE_SECONDS, _send)


def _send() -> None:
    global _waking
    _waking = None
    asyncio.get_running_loop().run_in_executor(None, _call_worker)


def _call_worker() -> None:
    workers.call("chat.tasks.make_titles", expires=30)


async def make_titles() -> None:
    """Titles for the chats that want one and have had an answer. Another worker may be at it."""
    if not cache.add(LOCK, 1, LOCK_SECONDS):
        return
    try:
        async with providers.opened() as provider:
            while exchanges := await in_database(_first_exchanges):
                titles = await asyncio.gather(*(_title(provider, each) for each in exchanges))
                await in_database(_save, exchanges, titles)
                cache.touch(LOCK, LOCK_SECONDS)
        await in_database(_forget)
    finally:
        cache.delete(LOCK)


def _first_exchanges() -> list[Exchange]:
    """Those of some chats that want a title."""
    with connection.cursor() as cursor:
        cursor.execute(FIRST_EXCHANGES, [BATCH])
        return [Exchange(*row) for row in cursor.fetchall()]


async def _title(provider: providers.Provider, exchange: Exchange) -> str:
    """Empty where none could be made: the cut message stays."""
    try:
        model = catalog.resolve(exchange.model).provider_name
        prompt = Prompt(model, _messages(exchange), {"max_tokens": 30})
        async with asyncio.timeout(TITLE_SECONDS):
            piece = await provider.complete(prompt)
    except (ProviderFailed, ApiError, TimeoutError) as failure:
        logger.warning("title_not_made", extra={"reason": type(failure).__name__})
        return ""
    text = piece.text.encode("utf-8", "replace").decode().replace("\0", "")
    return " ".join(text.split()).strip("\"'“”.")[:TITLE_LENGTH]


def _messages(exchange: Exchange) -> list[dict[str, str]]:
    said = f"user: {exchange.question}\n\nassistant: {exchange.answer}"
    return [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": said}]


def _save(exchanges: list[Exchange], titles: list[str]) -> None:
    """Who has renamed a chat meanwhile has taken the wish back."""
    chats = [exchange.chat_id for exchange in exchanges]
    with connection.cursor() as cursor:
        cursor.execute(SAVE, [chats, titles])


def _forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute(FORGET)
