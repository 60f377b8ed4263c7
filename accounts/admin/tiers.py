"""Tiers: their limits are edited here and hold from the next request."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import ENTERPRISE, STANDARD, Tier

NEEDED = (STANDARD, ENTERPRISE)  # new accounts and the first admin ask for them by name


@admin.register(Tier)
class TierAdmin(admin.ModelAdmin):
    list_display = (
        "name",
        "requests_per_minute",
        "concurrent_answers",
        "tokens_per_month",
        "max_file_bytes",
        "max_files",
        "max_stored_bytes",
        "max_endpoints",
        "max_api_keys",
    )
    search_fields = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Tier | None = None) -> list[str]:
        return ["name"] if obj and obj.name in NEEDED else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj and obj.name in NEEDED:
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without deletion in bulk, which would not ask for each tier."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions
