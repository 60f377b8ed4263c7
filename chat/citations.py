"""The passages that an answer rests on. Stored is which; what they say is read when it is shown.

So an answer never shows a passage to somebody who may not read it (any more): of a source that was
deleted, changed or is no longer shared, `content` is null; what cannot be seen at all has no name.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q

from chat.document_passages import DocumentPassage
from chat.models import Message, Status
from chatbot_project.api import ids
from documents.indexing import block_of
from documents.models import Version
from knowledge.models import TYPES, Chunk, Source, audiences_of
from knowledge.search import Found
from knowledge.serializers import show_found, show_origin, show_place

JSON = dict[str, Any]
Place = tuple[UUID, int]  # a document, and the number of a version of it


def save(answer: Message, found: Sequence[Found]) -> None:
    """Before the first word, so that every reader is told of them first."""
    shown = [show_found(each) for each in found]
    answer.citations = [
        {"id": each["id"], "score": each["score"], "source": each["source"]["id"], **place(passage)}
        for each, passage in zip(shown, found, strict=True)
    ]
    answer.sources = shown
    generating = Message.objects.filter(pk=answer.pk, status=Status.GENERATING)
    generating.update(citations=answer.citations)


def place(found: Found) -> JSON:
    """Where a passage is that is no chunk."""
    if not isinstance(found, DocumentPassage):
        return {}
    names = ("version", "position", "end", "section")
    return {"passage": {name: getattr(found, name) for name in names}}


def attach(messages: Iterable[Message], owner_id: UUID) -> None:
    """Sets `sources` of messages from the database, as the owner of their chat sees them now.

    It may take its time: what is cited of a page of HTML is found by reading all of it.
    """
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
    versions = versions_of(cited, owner_id)
    for message in citing:
        message.sources = [
            shown_of_version(each, versions) if "passage" in each else shown(each, sources, chunks)
            for each in message.citations
        ]


def versions_of(cited: Iterable[JSON], owner_id: UUID) -> dict[Place, tuple[Version, str]]:
    """Those that passages are of, each with its text."""
    wanted = {place_of(each) for each in cited if "passage" in each}
    if not wanted:
        return {}
    named = [Q(document=document, number=number) for document, number in wanted]
    versions = Version.objects.filter(reduce(or_, named), document__owner=owner_id)
    return {(each.document_id, each.number): (each, block_of(each).text) for each in versions}


def place_of(citation: JSON) -> Place:
    return source_uuid(citation["source"]), citation["passage"]["version"]


def shown_of_version(citation: JSON, versions: Mapping[Place, tuple[Version, str]]) -> JSON:
    public_id, passage = citation["source"], citation["passage"]
    shown = {"id": citation["id"], "score": citation["score"]}
    if place_of(citation) not in versions:
        absent = {"content": None, "metadata": show_place(None, "")}
        return {**shown, **absent, "source": nameless(public_id)}
    version, text = versions[place_of(citation)]
    return {
        **shown,
        "content": text[passage["position"] : passage["end"]],
        "source": {**nameless(public_id), **name_of(version)},
        "metadata": show_place(None, passage["section"]),
    }


def name_of(version: Version) -> JSON:
    metadata = {"type": version.type, "version": version.number}
    return {"filename": version.title, "title": version.title, "metadata": metadata}


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
