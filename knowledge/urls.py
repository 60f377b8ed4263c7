"""Routes under /api."""

from django.urls import path

from chatbot_project.api.views import as_view
from knowledge.views import KnowledgeViewSet, SearchViewSet

urlpatterns = [
    path("knowledge", as_view(KnowledgeViewSet, {"get": "list", "post": "create"})),
    path("knowledge/search", as_view(SearchViewSet, {"post": "search"})),
    path("knowledge/batch", as_view(KnowledgeViewSet, {"post": "create_batch"})),
    path(
        "knowledge/<str:source_id>",
        as_view(
            KnowledgeViewSet,
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"},
        ),
    ),
    path(
        "knowledge/<str:source_id>/chunks",
        as_view(KnowledgeViewSet, {"get": "list_chunks"}),
    ),
]
