"""The passages that an answer rests on. Stored is which; what they say is read when it is shown.

So an answer never shows a passage to somebody who may not read it (any more): of a source that was
deleted, changed or is no longer shared, `content` is null; what cannot be seen at all has no name.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from chat.models import Message, Status
from chatbot_project.api import ids
from knowledge.models import TYPES, Chunk, Source, audiences_of
from knowledge.search import Found
from knowledge.serializers import show_found, show_origin, show_place

JSON = dict[str, Any]


def save(answer: Message, found: Sequence[Found]) -> None:
    """Before the first word, so that every reader is told of them first."""
    shown = [show_found(each) for each in found]
    answer.citations = [
        {"id": each["id"], "score": each["score"], "source": each["source"]["id"]} for each in shown
    ]
    answer.sources = shown
    generating = Message.objects.filter(pk=answer.pk, status=Status.GENERATING)
    generating.update(citations=answer.citations)


def attach(messages: Iterable[Message], owner_id: UUID) -> None:
    """Sets `sources` of messages from the database, as the owner of their chat sees them now."""
    citing = [message for message in messages if message.citations]
    if not citing:
        return
    cited = [citation for message in citing for citation in message.citations]
    readers = audiences_of(owner_id)
    visible = Source.objects.filter(audience__in=readers).defer("content")
    sources = visible.in_bulk({source_uuid(each["source"]) for each in cited})
    chunks = (
        Chunk.objects.filter(audience__in=readers)
        .only("content", "page", "section", "source_id")
        .in_bulk({ids.decode("chunk", each["id"]) for each in cited})
    )
    for message in citing:
        message.sources = [shown(each, sources, chunks) for each in message.citations]


def shown(citation: JSON, sources: dict[UUID, Source], chunks: dict[UUID, Chunk]) -> JSON:
    origin = citation["source"]
    source = sources.get(source_uuid(origin))
    chunk = chunks.get(ids.decode("chunk", citation["id"])) if source else None
    return {
        "id": citation["id"],
        "content": chunk.content if chunk else None,
        "score": citation["score"],
        "source": show_origin(origin, source) if source else nameless(origin),
        "metadata": show_place(chunk.page, chunk.section) if chunk else show_place(None, ""),
    }


def nameless(public_id: str) -> JSON:
    """A source that is not there, or not for these eyes."""
    type = TYPES[public_id.partition("_")[0]]
    empty: JSON = {"title": None, "tags": [], "metadata": {}}
    return {"id": public_id, "filename": None, "type": type, **empty}


def source_uuid(public_id: str) -> UUID:
    return ids.decode(public_id.partition("_")[0], public_id)
