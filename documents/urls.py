"""Routes under /api."""

from django.urls import path

from chatbot_project.api.views import as_view
from documents.views import DocumentViewSet, VersionViewSet

urlpatterns = [
    path("documents", as_view(DocumentViewSet, {"get": "list", "post": "create"})),
    path(
        "documents/<str:document_id>",
        as_view(
            DocumentViewSet,
            {
                "get": "retrieve",
                "put": "update",
                "patch": "partial_update",
                "delete": "destroy",
            },
        ),
    ),
    path("documents/<str:document_id>/restore", as_view(DocumentViewSet, {"post": "restore"})),
    path("documents/<str:document_id>/diff", as_view(DocumentViewSet, {"get": "diff"})),
    path("documents/<str:document_id>/versions", as_view(VersionViewSet, {"get": "list"})),
    path(
        "documents/<str:document_id>/versions/<str:version>",
        as_view(VersionViewSet, {"get": "retrieve"}),
    ),
]
