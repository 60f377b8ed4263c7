"""Documents for the staff's eyes: found and read, with their latest versions. Nothing is changed
here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from chatbot_project.api.latest_rows import LatestRows
from documents.models import Document, Version


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LatestVersions(LatestRows):
    shown = 100


class VersionInline(ReadOnly, admin.TabularInline):
    """Without their content: a page of a hundred versions would be of a hundred megabytes."""

    model = Version
    formset = LatestVersions
    ordering = ("-number",)
    verbose_name_plural = f"latest {LatestVersions.shown} versions"
    fields = ("number", "title", "type", "language", "size", "restored_from", "created_at")
    readonly_fields = fields
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Version]:
        return super().get_queryset(request).defer("content")


@admin.register(Document)
class DocumentAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("title", "type", "owner", "version", "knowledge", "updated_at")
    list_select_related = ("owner",)
    list_filter = ("type", "knowledge")
    search_fields = ("title", "owner__email")
    search_help_text = "Words of the title, or the owner's address."
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = (
        *("public_id", "owner", "title", "type", "language", "knowledge", "version"),
        *("created_at", "updated_at", "content"),
    )
    inlines = (VersionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        """The list needs no content; the page of one loads it for itself."""
        return super().get_queryset(request).defer("content", "terms")


@admin.register(Version)
class VersionAdmin(ReadOnly, admin.ModelAdmin):
    """Reached from the document."""

    fields = (
        *("document", "number", "title", "type", "language", "size", "restored_from"),
        *("created_at", "content"),
    )

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        return {}  # no line of its own on the first page

    def get_queryset(self, request: HttpRequest) -> QuerySet[Version]:
        return super().get_queryset(request).defer("content")
