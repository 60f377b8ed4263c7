"""Everything that writes documents. History only grows: each change appends a version."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chatbot_project.api.errors import InvalidRequest
from documents import indexing
from documents.models import VERSIONED, Document, Type
from webhooks.events import emit


@transaction.atomic
def create_document(
    *,
    owner: User,
    title: str,
    content: str,
    type: str = Type.MARKDOWN,
    language: str | None = None,
    knowledge: bool = False,
) -> Document:
    """Raises InvalidRequest for a `language` of what is no code."""
    document = Document(owner=owner, title=title, content=content, type=type, knowledge=knowledge)
    document.language = language_of(type, language)
    document.updated_at = document.created_at
    document.terms = document.find_terms()
    document.save(force_insert=True)
    add_version(document)
    if knowledge:
        indexing.request(document)
    emit("document.created", owner, document.as_json())
    return document


def change_document(document: Document, **changes: Any) -> None:
    """A new version, if the changes change anything. `knowledge` alone makes none.

    The caller holds the document's row: see DocumentQuerySet.locked.
    Raises InvalidRequest for a `language` of what is no code.
    """
    type = changes.get("type", document.type)
    if "language" in changes or type != Type.CODE:
        changes["language"] = language_of(type, changes.get("language"))
    changed = {name for name, value in changes.items() if value != getattr(document, name)}
    for name in changed:
        setattr(document, name, changes[name])
    if changed.intersection(VERSIONED):
        append_version(document)
    elif changed:
        document.save(update_fields=changed)
    if "knowledge" in changed or (changed and document.knowledge):
        indexing.request(document)


def language_of(type: str, given: str | None) -> str:
    """Empty: none. Raises InvalidRequest."""
    if given and type != Type.CODE:
        reason = "Only documents of type code have a language."
        raise InvalidRequest(invalid_fields={"language": [reason]})
    return given or ""


def restore_version(document: Document, number: int) -> None:
    """Appends a version that says what version `number` said.

    The caller holds the document's row. Raises ResourceNotFound.
    """
    old = document.versions.numbered(number)
    for name in VERSIONED:
        setattr(document, name, getattr(old, name))
    append_version(document, restored_from=old.number)
    if document.knowledge:
        indexing.request(document)


def append_version(document: Document, restored_from: int | None = None) -> None:
    document.version += 1
    document.updated_at = timezone.now()
    document.terms = document.find_terms()
    document.save(update_fields=[*VERSIONED, "terms", "knowledge", "version", "updated_at"])
    add_version(document, restored_from)
    emit("document.updated", document.owner_id, document.as_json())


def add_version(document: Document, restored_from: int | None = None) -> None:
    document.versions.create(
        number=document.version,
        size=len(document.content.encode()),
        restored_from=restored_from,
        created_at=document.updated_at,
        **{name: getattr(document, name) for name in VERSIONED},
    )


def delete_document(document: Document) -> None:
    """With its versions, and its part of the knowledge base.

    The caller's transaction holds the document's row.
    """
    indexing.forget(document.id)
    document.delete()
