"""Usage: to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import UsageDay


@admin.register(UsageDay)
class UsageDayAdmin(admin.ModelAdmin):
    list_display = (
        "day",
        "owner",
        "api_key",
        "answers",
        "prompt_tokens",
        "completion_tokens",
    )
    list_select_related = (
        "owner",
        "api_key",
    )
    list_filter = (
        "day",
        "owner__tier",
    )
    search_fields = (
        "owner__email",
        "api_key__name",
    )
    date_hierarchy = "day"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
