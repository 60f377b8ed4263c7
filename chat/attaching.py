"""Attachments of a question: which documents and files they are, before it is stored.

An attachment is kept with its message as `{"id", "type", "title", "version"}`: a reference, and no
copy. Of a document the model reads that version ever after, however the document changes; what has
been deleted is read no more.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from accounts.models import ApiKey, User
from chat.models import Message
from chatbot_project.api.callers import Caller
from chatbot_project.api.errors import (
    Conflict,
    InsufficientPermissions,
    InvalidRequest,
    ResourceNotFound,
)
from chatbot_project.api.threads import in_database
from documents.models import Document
from files.models import Status, StoredFile
from knowledge.models import Source

JSON = dict[str, Any]
MOST_ATTACHMENTS = 10  # of a message
MOST_IN_A_BRANCH = 20
WAIT_SECONDS = 10.0  # for files that are being processed
POLL_SECONDS = 0.25
RETRY_SECONDS = 5


class StillProcessing(Conflict):
    """Of some of the files nothing can be read yet."""

    def __init__(self, filenames: Sequence[str]) -> None:
        super().__init__(
            f"Still being processed: {', '.join(filenames)}. Try again in some seconds.",
            headers={"Retry-After": str(RETRY_SECONDS)},
            processing=list(filenames),
        )


async def resolve(caller: Caller, public_ids: Sequence[str]) -> list[JSON]:
    """The attachments behind `doc_...` and `file_...`, as they are kept.

    Waits a while for files that are being processed, in no thread and with no connection.
    Raises InvalidRequest for what the caller does not have and for files that cannot be read,
    InsufficientPermissions, StillProcessing.
    """
    for public_id in public_ids:
        caller.require(scope_of(public_id))
    last_try = time.monotonic() + WAIT_SECONDS - POLL_SECONDS
    while True:
        try:
            return await in_database(look_up, caller.user, public_ids)
        except StillProcessing:
            if time.monotonic() > last_try:
                raise
        await asyncio.sleep(POLL_SECONDS)


def is_file(public_id: str) -> bool:
    return public_id.startswith("file_")


def scope_of(public_id: str) -> str:
    return "files:read" if is_file(public_id) else "documents:read"


def look_up(user: User, public_ids: Sequence[str]) -> list[JSON]:
    """Raises InvalidRequest, StillProcessing."""
    waiting: list[str] = []
    found = []
    for public_id in public_ids:
        try:
            found.append((file if is_file(public_id) else document)(user, public_id, waiting))
        except ResourceNotFound:
            kind = "file" if is_file(public_id) else "document"
            raise refused(f"There is no such {kind}: {public_id}.") from None
    if waiting:
        raise StillProcessing(waiting)
    return found


def document(user: User, public_id: str, waiting: list[str]) -> JSON:
    """Raises ResourceNotFound."""
    mine = Document.objects.filter(owner=user).only("title", "version")
    found = mine.get_public(public_id)
    return as_kept(found.public_id, "document", found.title, found.version)


def file(user: User, public_id: str, waiting: list[str]) -> JSON:
    """The user's own, or a shared one: also one that is processed anew, or was in vain. Raises
    ResourceNotFound, InvalidRequest."""
    found = StoredFile.objects.visible_to(user).get_public(public_id)
    if not Source.objects.filter(pk=found.pk).exists():
        if found.status == Status.FAILED:
            raise refused(f"{found.filename} could not be processed: {found.error}")
        waiting.append(found.filename)
    return as_kept(found.public_id, "file", found.filename)


def as_kept(public_id: str, type: str, title: str, version: int | None = None) -> JSON:
    return {"id": public_id, "type": type, "title": title, "version": version}


def refused(reason: str) -> InvalidRequest:
    return InvalidRequest(reason, invalid_fields={"attachments": [reason]})


def of_branch(branch: Iterable[Message], key: ApiKey | None) -> list[JSON]:
    """The attachments of all its questions, the latest last: what the model is to read.

    Whoever attached them, the key that asks must be allowed to read them, too: raises
    InsufficientPermissions.
    """
    latest: dict[str, JSON] = {}
    for each in chain.from_iterable(message.attachments for message in branch):
        latest.pop(each["id"], None)  # else it would keep the place that it had before
        latest[each["id"]] = each
    attached = list(latest.values())[-MOST_IN_A_BRANCH:]
    if key and key.scopes is not None:
        for scope in {scope_of(each["id"]) for each in attached}.difference(key.scopes):
            kind = scope.partition(":")[0]
            reason = f"This chat has {kind} attached, and this key lacks the scope {scope}."
            raise InsufficientPermissions(reason, required_scope=scope)
    return attached
