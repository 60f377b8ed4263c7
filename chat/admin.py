"""Chats for the staff's eyes: found, read, and rated answers looked at. Nothing is changed here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from chat.models import Chat, Message


class ReadOnlyAdmin(admin.ModelAdmin):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Chat)
class ChatAdmin(ReadOnlyAdmin):
    list_display = ("title", "owner", "model", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("title", "owner__email")
    date_hierarchy = "created_at"
    fields = (
        "public_id",
        "owner",
        "title",
        "model",
        "system",
        "metadata",
        "created_at",
        "updated_at",
    )


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "role", "status", "model", "rating", "created_at")
    list_filter = ("rating", "status", "role")
    search_fields = ("chat__title", "chat__owner__email")
    fields = (
        "public_id",
        "chat",
        "role",
        "content",
        "status",
        "error",
        "finish_reason",
        "model",
        "provider_model",
        "prompt_tokens",
        "completion_tokens",
        "rating",
        "comment",
        "api_key",
        "created_at",
        "completed_at",
    )
