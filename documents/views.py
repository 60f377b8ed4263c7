"""The document API."""

from typing import Any, cast

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.models import User
from chatbot_project.api import etags
from chatbot_project.api.bodies import validate
from chatbot_project.api.errors import InvalidRequest
from chatbot_project.api.filters import wanted_text
from chatbot_project.api.pagination import Pagination, bounded, require_known
from documents import comparing, schema, serializers, services
from documents.models import MAX_VERSION, Document, DocumentQuerySet, Type, Version


def user_of(request: Request) -> User:
    return cast(User, request.user)  # HasScope lets nobody else in


def documents_of(request: Request) -> DocumentQuerySet:
    return Document.objects.filter(owner=user_of(request)).defer("terms")


def to_change(request: Request, document_id: str) -> Document:
    """The document, its row held for the rest of the transaction.

    Raises ResourceNotFound, and PreconditionFailed before anything else is looked at.
    """
    document = documents_of(request).locked().get_public(document_id)
    etags.require_match(request._request, document.etag)
    return document


def answer(document: Document, status: int = 200) -> Response:
    return Response(document.as_json(), status=status, headers={"ETag": document.etag})


class DocumentViewSet(GenericViewSet[Document]):
    scope_area = "documents"
    serializer_class = serializers.DocumentSerializer
    pagination_class = Pagination
    list_filters = ("type", "search")

    def get_queryset(self) -> DocumentQuerySet:
        documents: DocumentQuerySet = documents_of(self.request).order_by("-updated_at", "-id")
        if (type := self.request.query_params.get("type")) is not None:
            documents = documents.filter(type=known_type(type))
        if search := wanted_text(self.request):
            documents = documents.search(user_of(self.request), search)
        return documents

    @schema.list_documents
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset().cut())
        return self.get_paginated_response([document.shown_in_list() for document in page or ()])

    @schema.create_document
    def create(self, request: Request) -> Response:
        new = validate(serializers.NewDocumentSerializer, request.data)
        return answer(services.create_document(owner=user_of(request), **new), 201)

    @schema.get_document
    def retrieve(self, request: Request, document_id: str) -> Response:
        return answer(documents_of(request).get_public(document_id))

    @schema.update_document
    def update(self, request: Request, document_id: str) -> Response:
        return change(request, document_id)

    @schema.change_document
    def partial_update(self, request: Request, document_id: str) -> Response:
        return change(request, document_id)

    @schema.delete_document
    @transaction.atomic
    def destroy(self, request: Request, document_id: str) -> Response:
        services.delete_document(to_change(request, document_id))
        return Response(status=204)

    @schema.restore_document
    @transaction.atomic
    def restore(self, request: Request, document_id: str) -> Response:
        document = to_change(request, document_id)
        wanted = validate(serializers.RestoreSerializer, request.data)
        services.restore_version(document, wanted["version"])
        return answer(document)

    @schema.diff_document
    def diff(self, request: Request, document_id: str) -> Response:
        require_known(request, ("from", "to"))
        document = documents_of(request).defer("content").get_public(document_id)
        to = number_of(request, "to", document.version)
        before = number_of(request, "from", max(to - 1, 1))
        old, new = document.versions.numbered(before), document.versions.numbered(to)
        return Response(comparing.compare(old, new))


@transaction.atomic
def change(request: Request, document_id: str) -> Response:
    document = to_change(request, document_id)
    changes = validate(serializers.DocumentChangeSerializer, request.data)
    services.change_document(document, **changes)
    return answer(document)


class VersionViewSet(GenericViewSet[Version]):
    scope_area = "documents"
    serializer_class = serializers.VersionSerializer
    pagination_class = Pagination
    list_filters = ()

    @schema.list_versions
    def list(self, request: Request, document_id: str) -> Response:
        document = documents_of(request).defer("content").get_public(document_id)
        versions = document.versions.defer("content").order_by("-number")
        page = self.paginate_queryset(versions)
        return self.get_paginated_response([version.shown_in_list() for version in page or ()])

    @schema.get_version
    def retrieve(self, request: Request, document_id: str, version: str) -> Response:
        document = documents_of(request).defer("content").get_public(document_id)
        return Response(document.versions.numbered(version).as_json())


def known_type(name: str) -> str:
    """Raises InvalidRequest."""
    if name not in Type.values:
        reason = f"Must be one of {', '.join(Type.values)}."
        raise InvalidRequest(invalid_fields={"type": [reason]})
    return name


def number_of(request: Request, name: str, default: Any) -> int:
    return bounded(request.query_params.get(name), default, 1, MAX_VERSION, name)
