"""The knowledge API."""

import time
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from chatbot_project.api.bodies import validated
from chatbot_project.api.callers import Caller
from chatbot_project.api.errors import Conflict, InsufficientPermissions, InvalidRequest
from chatbot_project.api.filters import wanted_tags, wanted_text
from chatbot_project.api.pagination import MAX_LIMIT, Pagination
from knowledge import calls, schema, serializers, services
from knowledge.models import Chunk, Source, SourceType, Visibility

SHARE = "knowledge:share"


def caller_of(request: HttpRequest) -> Caller:
    caller: Caller = request.caller  # type: ignore[attr-defined]  # as_view lets nobody else in
    return caller


def require_right_to_share(caller: Caller) -> None:
    """Staff may share knowledge with everyone; of keys with scopes, those that have this one."""
    allowed = SHARE in caller.scopes if caller.scopes is not None else caller.user.is_staff
    if not allowed:
        raise InsufficientPermissions(
            "Only staff, or a key with the scope knowledge:share, may share knowledge.",
            required_scope=SHARE,
        )


class SearchViewSet(ViewSet):
    required_scope = "knowledge:read"

    @schema.search
    async def search(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        asked = await validated(request, serializers.SearchSerializer)
        found = await calls.search(request, caller_of(request), **asked)
        results = [serializers.show_found(each) for each in found]
        query_time = round(time.perf_counter() - began, 4)
        return JsonResponse({"results": results, "total": len(results), "query_time": query_time})


class KnowledgeViewSet(GenericViewSet[Source]):
    scope_area = "knowledge"
    serializer_class = serializers.SourceSerializer
    pagination_class = Pagination
    list_filters = ("source_type", "tags", "search")

    def get_queryset(self) -> QuerySet[Source]:
        return Source.objects.visible_to(caller_of(self.request._request).user)

    @schema.list_sources
    def list(self, request: Request) -> Response:
        sources = listed(self.get_queryset(), request).defer("content")
        page = self.paginate_queryset(sources.order_by("-created_at", "-id"))
        return self.get_paginated_response([each.as_json(content=False) for each in page or []])

    @schema.add_text
    async def create(self, request: HttpRequest) -> HttpResponseBase:
        item = await validated(request, serializers.TextSerializer)
        [source] = await add(request, [item])
        return JsonResponse(source.as_json(), status=201)

    @schema.add_texts
    async def create_batch(self, request: HttpRequest) -> HttpResponseBase:
        items = (await validated(request, serializers.TextsSerializer))["items"]
        sources = await add(request, items)
        return JsonResponse({"results": [source.as_json() for source in sources]}, status=201)

    @schema.get_source
    def retrieve(self, request: Request, source_id: str) -> Response:
        source = self.get_queryset().get_public(source_id)  # type: ignore[attr-defined]
        chunks = [serializers.show_chunk(chunk) for chunk in chunks_of(source)[:MAX_LIMIT]]
        return Response({**source.as_json(), "chunks": chunks})

    @schema.list_chunks
    def list_chunks(self, request: Request, source_id: str) -> Response:
        source = self.get_queryset().defer("content").get_public(source_id)  # type: ignore[attr-defined]
        page: Any = self.paginate_queryset(chunks_of(source))  # type: ignore[arg-type]
        return self.get_paginated_response([serializers.show_chunk(chunk) for chunk in page])

    @schema.change_text
    async def partial_update(self, request: HttpRequest, source_id: str) -> HttpResponseBase:
        source = await calls.in_view(request, changeable, caller_of(request), source_id)
        changes = await validated(request, serializers.TextChangeSerializer)
        serializers.check_length([changes.get("content", "")])
        if changes.get("visibility", source.visibility) != source.visibility:
            require_right_to_share(caller_of(request))
        await calls.change(request, caller_of(request), source, changes)
        return JsonResponse(source.as_json())

    @schema.delete_source
    def destroy(self, request: Request, source_id: str) -> Response:
        services.delete_source(changeable(caller_of(request._request), source_id))
        return Response(status=204)


def changeable(caller: Caller, source_id: str) -> Source:
    """Raises InsufficientPermissions, Conflict for what is changed where it came from."""
    source: Source = Source.objects.visible_to(caller.user).get_public(source_id)
    if not source.may_be_changed_by(caller.user):
        raise InsufficientPermissions("This is shared with you: its owner or staff change it.")
    if source.source_type != SourceType.MANUAL:
        thing = "file" if source.source_type == SourceType.DOCUMENT else "document"
        raise Conflict(f"This was made from a {thing}: change or delete the {thing}.")
    return source


def chunks_of(source: Source) -> QuerySet[Chunk]:
    chunks: QuerySet[Chunk] = source.chunks.order_by("position").defer("terms", "sparse")
    return chunks


async def add(request: HttpRequest, items: list[dict[str, Any]]) -> list[Source]:
    caller = caller_of(request)
    serializers.check_length([item["content"] for item in items])
    if any(item["visibility"] == Visibility.SHARED for item in items):
        require_right_to_share(caller)
    return await calls.add(request, caller, items)


def listed(sources: QuerySet[Source], request: Request) -> QuerySet[Source]:
    """What the query parameters leave of a list. Raises InvalidRequest."""
    if source_type := request.query_params.get("source_type"):
        if source_type not in SourceType.values:
            raise InvalidRequest(invalid_fields={"source_type": [f"Not a type: {source_type}."]})
        sources = sources.filter(source_type=source_type)
    if tags := wanted_tags(request):
        sources = sources.filter(tags__contains=tags)
    if text := wanted_text(request):
        sources = sources.filter(title__icontains=text) | sources.filter(filename__icontains=text)
    return sources
