"""Knowledge: to look at, and to delete what should not be there."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from knowledge.models import EmbeddingModel, Source, SourceType, Visibility


@admin.register(Source)
class SourceAdmin(admin.ModelAdmin):
    list_display = ("__str__", "source_type", "visibility", "owner", "chunk_count", "created_at")
    list_select_related = ("owner",)
    list_filter = ("source_type", "created_at")
    search_fields = ("title", "filename", "owner__email")
    date_hierarchy = "created_at"
    fields = (
        *("public_id", "owner", "visibility", "source_type", "title", "filename"),
        *("tags", "metadata", "chunk_count", "created_at", "updated_at", "content"),
    )

    @admin.display(ordering="audience")
    def visibility(self, source: Source) -> str:
        return Visibility(source.visibility).label

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        return super().get_queryset(request).defer("content")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A file's or a document's goes with the file or the document."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or obj.source_type == SourceType.MANUAL)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None for many at once: they could be of any type."""
        return {}


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(admin.ModelAdmin):
    list_display = ("name", "dimensions", "is_complete")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
