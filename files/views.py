"""The file API."""

import asyncio
import contextlib
from typing import Any

import structlog
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from chatbot_project.api import idempotency
from chatbot_project.api.bodies import validate
from chatbot_project.api.callers import Caller
from chatbot_project.api.errors import (
    InsufficientPermissions,
    InvalidRequest,
    ResourceNotFound,
    Unavailable,
)
from chatbot_project.api.filters import wanted_tags, wanted_text
from chatbot_project.api.pagination import Pagination
from chatbot_project.api.permissions import authorize
from files import downloads, links, schema, serializers, services, storage, uploads
from files.models import FileQuerySet, Orphan, Status, StoredFile
from files.threads import with_database, with_files
from files.uploads import Upload
from knowledge.models import Visibility
from knowledge.views import require_right_to_share

log = structlog.get_logger("files")

GONE = "The file of this upload has been deleted."


def caller_of(request: HttpRequest) -> Caller:
    caller: Caller = request.caller  # type: ignore[attr-defined]  # as_view lets nobody else in
    return caller


class FileViewSet(GenericViewSet[StoredFile]):
    scope_area = "files"
    serializer_class = serializers.FileSerializer
    pagination_class = Pagination
    list_filters = ("status", "type", "tags", "visibility", "search")

    def get_queryset(self) -> FileQuerySet:
        files: FileQuerySet = StoredFile.objects.visible_to(caller_of(self.request._request).user)
        return files

    @schema.list_files
    def list(self, request: Request) -> Response:
        files = listed(self.get_queryset(), request).order_by("-created_at", "-id")
        page = self.paginate_queryset(files)
        return self.get_paginated_response([file.as_json() for file in page or ()])

    @schema.get_file
    def retrieve(self, request: Request, file_id: str) -> Response:
        return Response(self.get_queryset().get_public(file_id).as_json())

    @schema.get_status
    def status(self, request: Request, file_id: str) -> Response:
        return Response(self.get_queryset().get_public(file_id).progress_as_json())

    @schema.change_file
    def partial_update(self, request: Request, file_id: str) -> Response:
        file = self.changeable(request, file_id)
        changes = validate(serializers.FileChangeSerializer, request.data)
        if changes.get("visibility", file.visibility) != file.visibility:
            require_right_to_share(caller_of(request._request))
        return self.answer(services.change_file, file, **changes)

    @schema.delete_file
    def destroy(self, request: Request, file_id: str) -> Response:
        services.delete_file(self.changeable(request, file_id))
        return Response(status=204)

    @schema.reprocess_file
    def reprocess(self, request: Request, file_id: str) -> Response:
        return self.answer(services.reprocess, self.changeable(request, file_id))

    @schema.cancel_file
    def cancel(self, request: Request, file_id: str) -> Response:
        return self.answer(services.cancel, self.changeable(request, file_id))

    def answer(self, change: Any, file: StoredFile, **changes: Any) -> Response:
        """Raises ResourceNotFound when it has been deleted meanwhile."""
        try:
            return Response(change(file, **changes).as_json())
        except StoredFile.DoesNotExist:
            raise ResourceNotFound("There is no such file.") from None

    def changeable(self, request: Request, file_id: str) -> StoredFile:
        """Raises InsufficientPermissions."""
        file = self.get_queryset().get_public(file_id)
        if not file.may_be_changed_by(caller_of(request._request).user):
            raise InsufficientPermissions("This is shared with you: its owner or staff change it.")
        return file


class UploadViewSet(ViewSet):
    scope_area = "files"

    @schema.upload_file
    async def create(self, request: HttpRequest) -> HttpResponseBase:
        user = caller_of(request).user
        with contextlib.ExitStack() as stack:
            receiving = uploads.received(request, user.tier.max_file_bytes)
            upload = await with_files(request, stack.enter_context, receiving)
            if upload.fields["visibility"] == Visibility.SHARED:
                require_right_to_share(caller_of(request))
            return await answered(request, upload)


async def answered(request: Any, upload: Upload) -> HttpResponseBase:
    """The first answer to this upload, or the one to an earlier try of it."""
    earlier = await with_database(request, idempotency.claim_with, request, upload.fingerprint())
    if earlier:
        return await with_database(request, replay, earlier)
    return shown(await add(request, upload))


async def add(request: HttpRequest, upload: Upload) -> StoredFile:
    """Raises QuotaExceeded, Unavailable. Whatever it raises, no bytes are left."""
    user = caller_of(request).user
    orphan = await with_database(request, services.expect_bytes, user, upload.size)
    saving = with_files(request, storage.save, orphan.key, upload.content)
    stored = asyncio.ensure_future(saving)
    try:
        await asyncio.shield(stored)
        return await with_database(request, services.add_file, request, user, orphan, upload)
    except (Exception, asyncio.CancelledError) as error:
        await asyncio.shield(undo(request, stored, orphan))
        if not isinstance(error, OSError):
            raise
        log.error("a file could not be stored", exc_info=error)
        raise Unavailable(uploads.NOT_STORED) from error


async def undo(request: HttpRequest, stored: asyncio.Future[None], orphan: Orphan) -> None:
    """After what is being stored is there: of whoever hangs up, a thread goes on storing."""
    await asyncio.gather(stored, return_exceptions=True)
    await with_database(request, services.abandon, orphan)


def replay(reference: idempotency.Reference) -> HttpResponseBase:
    """Raises ResourceNotFound when the file has been deleted since."""
    file = StoredFile.objects.filter(pk=reference["file"]).first()
    if file is None:
        raise ResourceNotFound(GONE)
    return shown(file, idempotency.REPLAYED)


def shown(file: StoredFile, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse(file.as_json(), status=201, headers=headers)


class DownloadViewSet(ViewSet):
    scope_area = "files"

    def authorize(self, request: HttpRequest, file_id: str) -> None:
        """A signed link needs no key. Raises InvalidApiKey, InsufficientPermissions."""
        if linked(request, file_id) is None:
            authorize(request, self)

    @schema.download_file
    async def retrieve(self, request: HttpRequest, file_id: str) -> HttpResponseBase:
        file = await with_database(request, self.file_of, request, file_id)
        return await downloads.download(request, file)

    def file_of(self, request: HttpRequest, file_id: str) -> StoredFile:
        """A link that readers could take is of no use once they cannot read the file; one that its
        owner alone could take, once the account is shut."""
        files: FileQuerySet = StoredFile.objects.all()
        taken = linked(request, file_id)
        if taken is None:
            files = files.visible_to(caller_of(request).user)
        elif taken == Visibility.SHARED:
            files = files.filter(visibility=taken)
        else:
            files = files.filter(Q(owner__is_active=True) | Q(visibility=Visibility.SHARED))
        return files.get_public(file_id)


def linked(request: HttpRequest, file_id: str) -> str | None:
    """What the file was when this signed link to it was made. None: it is none."""
    given = request.GET
    return links.visibility_of(file_id, given.get("expires", ""), given.get("signature", ""))


def listed(files: FileQuerySet, request: Request) -> FileQuerySet:
    """What the query parameters leave of a list. Raises InvalidRequest."""
    parameters = request.query_params
    for name, known in (("status", Status.values), ("visibility", Visibility.values)):
        if value := parameters.get(name):
            files = files.filter(**{name: one_of(known, name, value)})
    if media_type := parameters.get("type"):
        files = files.filter(media_type=media_type)
    if tags := wanted_tags(request):
        files = files.filter(tags__contains=tags)
    if text := wanted_text(request):
        files = files.search(text)
    return files


def one_of(known: list[str], name: str, value: str) -> str:
    if value not in known:
        raise InvalidRequest(invalid_fields={name: [f"Must be one of {', '.join(known)}."]})
    return value
