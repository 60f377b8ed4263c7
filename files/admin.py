"""Files: to look at, and to delete what should not be there."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from files import services
from files.models import StoredFile


@admin.register(StoredFile)
class FileAdmin(admin.ModelAdmin):
    list_display = (
        *("__str__", "owner", "media_type", "size", "status", "stage", "progress"),
        *("visibility", "created_at"),
    )
    list_select_related = ("owner",)
    list_filter = ("status", "visibility", "media_type", "created_at")
    search_fields = ("filename", "description", "owner__email", "sha256")
    date_hierarchy = "created_at"
    fields = (
        *("public_id", "owner", "filename", "size", "media_type", "sha256", "duplicate_of"),
        *("description", "tags", "visibility", "status", "stage", "progress", "error"),
        *("chunks_created", "attempts", "failures", "created_at", "processed_at", "due_at"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: StoredFile) -> None:
        """With its chunks and its bytes."""
        services.delete_file(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[StoredFile]) -> None:
        for file in queryset:
            services.delete_file(file)
