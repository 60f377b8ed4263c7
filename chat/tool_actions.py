"""What the tools do. Each takes the chat's owner and checked arguments, in a database thread.

All raise ApiError, which the model is told.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import transaction

from accounts.models import User
from chatbot_project.api.bodies import validate
from chatbot_project.api.errors import Conflict, InvalidRequest
from documents.models import Document
from documents.serializers import DocumentChangeSerializer
from documents.services import change_document, create_document
from knowledge.filters import Filters
from knowledge.models import audiences
from knowledge.search import Found, Query, look_up

JSON = dict[str, Any]


class Done(NamedTuple):
    """`shown` is kept with the answer and told to its reader, `told` to the model."""

    shown: JSON
    told: JSON


def search_knowledge(owner: User, *, query: Query, limit: int, filters: Filters) -> Done:
    found = look_up(audiences(owner), query, filters, limit).found
    return Done(
        {"passages": [shown_passage(each) for each in found]},
        {"passages": [told_passage(each) for each in found]},
    )


def shown_passage(found: Found) -> JSON:
    """Which it is, and nothing that it says: what is kept outlives source and sharing."""
    return {
        "id": found.public_id,
        "source_id": found.public_source_id,
        "score": round(min(1.0, found.score), 4),
    }


def told_passage(found: Found) -> JSON:
    return {
        **shown_passage(found),
        "title": found.title or found.filename,
        "page": found.page,
        "section": found.section or None,
        "content": found.content,
    }


def find_documents(owner: User, *, search: str, limit: int) -> Done:
    documents = Document.objects.filter(owner=owner).defer("terms", "content")
    if search:
        documents = documents.search(owner, search)
    found = {"documents": [labels(each) for each in documents.order_by("-updated_at")[:limit]]}
    return Done(found, found)


def read_document(owner: User, *, document_id: str) -> Done:
    document = Document.objects.filter(owner=owner).defer("terms").get_public(document_id)
    return Done(labels(document), {**labels(document), "content": document.content})


def new_document(owner: User, **fields: Any) -> Done:
    made = labels(create_document(owner=owner, **fields))
    return Done(made, made)


@transaction.atomic
def update_document(
    owner: User, *, document_id: str, seen: Sequence[int] = (), **changes: Any
) -> Done:
    """`seen`: versions that the model knows every word of. New content takes the place of all of
    it: not from who has seen a part, or what it said before. Raises Conflict.
    """
    document = locked(owner, document_id)
    known = document.versions.filter(number__in=seen, content=document.content)
    if "content" in changes and not known.exists():
        raise Conflict(
            "New content replaces all of the document, and you do not know all that it says now. "
            "Read it first. What cannot be read whole is changed with replace_passage."
        )
    return changed(document, **changes)


@transaction.atomic
def replace_passage(owner: User, *, document_id: str, passage: str, replacement: str) -> Done:
    """Raises InvalidRequest where the passage does not occur, or more than once."""
    document = locked(owner, document_id)
    before, found, after = document.content.partition(passage)
    # Never with rfind(): from behind, a crafted passage takes minutes, and the interpreter too.
    if not found or document.content.find(passage, len(before) + 1) >= 0:
        reason = "Occurs more than once: give more of it." if found else "Does not occur."
        raise InvalidRequest(invalid_fields={"passage": [reason]})
    content = f"{before}{replacement}{after}"
    return changed(document, **validate(DocumentChangeSerializer, {"content": content}))


def locked(owner: User, document_id: str) -> Document:
    """Writers queue, as those of the API do. Raises ResourceNotFound."""
    return Document.objects.filter(owner=owner).defer("terms").locked().get_public(document_id)


def changed(document: Document, **changes: Any) -> Done:
    """The version before stays in the history."""
    before = document.version
    change_document(document, **changes)
    made = {**labels(document), "changed": document.version > before}
    return Done(made, made)


def labels(document: Document) -> JSON:
    return {
        "document_id": document.public_id,
        "title": document.title,
        "type": document.type,
        "version": document.version,
    }
