"""Following an answer from where a reader is: in this process, through Redis, or from the database.

An event's id is `<message>.<number>.<characters>`, and `.<sources>` where any have been told.
Numbers find events here and in Redis; where those are gone, the rest says how much of the stored
text the reader has, and how many of the sources. Such a reader's ids bear `db` for a number, and it
goes on reading from the database.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from chat import citations, events, generation, mirror, sse
from chat.models import Message, Status
from chatbot_project.api import ids
from chatbot_project.api.errors import InvalidRequest, ResourceNotFound
from chatbot_project.api.threads import in_database, in_view_thread

POLL_SECONDS = 0.5
KEEP_ALIVE_POLLS = 30
FROM_DATABASE = "db"
END = "end"
BOUNDS = (2**31 - 1, 2**31, 2**63)  # of characters (as PostgreSQL counts), sources and numbers


class Position(NamedTuple):
    """What a reader has: the events up to `number`, which held `characters` of text."""

    message_id: UUID
    number: int | None  # None: it reads from the database
    characters: int
    sources: int = 0
    ended: bool = False

    @property
    def public_message_id(self) -> str:
        return ids.encode("msg", self.message_id)


def parse_position(text: str) -> Position:
    """The position behind a Last-Event-ID. Raises InvalidRequest."""
    try:
        message, number, characters, *sources = text.split(".", 3)
        position = Position(
            ids.decode("msg", message),
            None if number in (FROM_DATABASE, END) else int(number),
            int(characters),
            sum(map(int, sources)),
            ended=number == END,
        )
    except (ValueError, ResourceNotFound) as error:
        raise InvalidRequest("Last-Event-ID is not an id of one of our events.") from error
    counts = (position.characters, position.sources, position.number or 0)
    if not all(0 <= count < bound for count, bound in zip(counts, BOUNDS, strict=True)):
        raise InvalidRequest("Last-Event-ID is not an id of one of our events.")
    return position


async def follow(position: Position) -> AsyncIterator[bytes]:
    """Everything after `position`, to the end of the answer."""
    if position.ended:
        return
    if position.number is not None:
        if answer := generation.find(position.message_id):
            async for chunk in answer.read(after=position.number):
                yield chunk
            return
        if await _is_being_written(position.message_id):
            async for told, reached in _follow_mirror(position, position.number):
                if told is None:
                    return
                yield told
                position = reached
    async for chunk in _follow_database(position):
        yield chunk


async def _is_being_written(message_id: UUID) -> bool:
    """Else the database has all of it, at once; Redis may not, and would be waited for."""
    in_progress = Message.objects.answers_in_progress()
    return await in_database(in_progress.filter(pk=message_id).exists)


async def _follow_mirror(
    position: Position, number: int
) -> AsyncIterator[tuple[bytes | None, Position]]:
    """Chunks from Redis after event `number`, each with the position it leads to; None: the end.

    Ends without it where Redis has no more, though there is more to read.
    """
    async for entries in mirror.read(position.message_id, number):
        if not entries:
            yield sse.KEEP_ALIVE, position
            if await _has_more(position):
                return
            continue
        last = entries[-1].event
        position = parse_position(sse.event_id(last))
        yield b"".join(entry.event for entry in entries), position
        if events.is_last(last):
            yield None, position


async def _load(message_id: UUID, read: int, told: int) -> Any:
    """Message or None: of its text only what comes after `read` characters, and with what is to be
    shown of its sources, where there are more than `told`."""
    stored = Message.objects.after(read).select_related("chat").filter(pk=message_id)
    message = await in_database(stored.first)
    if message and len(message.citations) > told:
        await in_view_thread(partial(citations.attach, [message], message.chat.owner_id))
    return message


async def _has_more(position: Position) -> bool:
    """Whether the database knows of something that Redis has not told."""
    read, told = position.characters, position.sources
    message = await _load(position.message_id, read, told)
    return (
        message is None
        or message.status != Status.GENERATING
        or message.length > read
        or len(message.citations) > told
    )


async def _follow_database(position: Position) -> AsyncIterator[bytes]:
    """The stored text as it grows: what a running answer has saved is a second old at most."""
    read, told = position.characters, position.sources
    begun = position.number != 0
    polls = 0
    while message := await _load(position.message_id, read, told):
        id = message.public_id
        if not begun:
            yield _beginning(message)
            begun = True
        for shown in message.sources[told:] if len(message.citations) > told else ():
            told += 1
            event_id = sse.position(id, FROM_DATABASE, read, told)
            yield sse.event(event_id, events.source(told, shown))
        read = max(read, message.length)
        if message.rest:
            event_id = sse.position(id, FROM_DATABASE, read, told)
            yield sse.event(event_id, events.text(message.rest))
        if message.status != Status.GENERATING:
            event_id = sse.position(id, END, message.length, told)
            yield sse.event(event_id, events.end(message))
            return
        await asyncio.sleep(POLL_SECONDS)
        polls += 1
        if polls % KEEP_ALIVE_POLLS == 0:
            yield sse.KEEP_ALIVE
    id = position.public_message_id
    yield sse.event(sse.position(id, END, read, told), events.deleted(id))


def _beginning(message: Message) -> bytes:
    """Which answer it is, and what functions have been called for it so far."""
    id = sse.position(message.public_id, FROM_DATABASE, 0, 0)
    told = [events.start(message), *map(events.tool, message.tool_calls)]
    return b"".join(sse.event(id, data) for data in told)


def from_start(message: Message) -> AsyncIterator[bytes]:
    """An answer from its first event on, whether it is being written or has ended."""
    start = Position(message.id, 0, 0)
    return follow(start) if message.status == Status.GENERATING else _follow_database(start)
