"""Webhooks for the staff's eyes: what was to be told, to whom, and what came of it.

Endpoints can be switched off and on, deliveries be sent again. Secrets are shown to nobody.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from chatbot_project.api.errors import ApiError
from chatbot_project.api.latest_rows import LatestRows
from webhooks import services
from webhooks.models import SHOWN_ATTEMPTS, Attempt, Delivery, Endpoint, Event


class LookOnly:
    """Nothing is added, changed or deleted by hand."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_act(self, request: HttpRequest) -> bool:
        """Acting asks for Django's permission to change, which the pages themselves never grant."""
        name = f"webhooks.change_{self.model._meta.model_name}"  # type: ignore[attr-defined]
        return bool(request.user.has_perm(name))

    has_act_permission = may_act


def each(request: HttpRequest, act: Callable[[Any], object], chosen: Iterable[Any]) -> None:
    """Does it to all that were chosen, and says to how many, and why not to others."""
    done = 0
    for one in chosen:
        try:
            act(one)
        except ApiError as error:
            messages.warning(request, f"{one}: {error.detail}")
        else:
            done += 1
    messages.info(request, f"Done: {done}.")


@admin.register(Endpoint)
class EndpointAdmin(LookOnly, admin.ModelAdmin):
    list_display = ("public_id", "owner", "url", "enabled", "disabled_reason", "failing_since")
    list_select_related = ("owner",)
    list_filter = ("enabled", "disabled_reason")
    search_fields = ("url", "description", "owner__email")
    fields = (
        *("public_id", "owner", "url", "events", "description", "enabled"),
        *("disabled_reason", "disabled_at", "owner_told_at"),
        *("failures", "failing_since", "failed_at", "paused_until", "created_at", "updated_at"),
    )
    actions = ("enable", "disable")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        return super().get_queryset(request).defer("secret", "old_secrets")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Not by their secrets."""
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return allowed and lookup.split("__")[0] not in ("secret", "old_secrets")

    @admin.action(description="Enable", permissions=["act"])
    def enable(self, request: HttpRequest, chosen: QuerySet[Endpoint]) -> None:
        each(request, lambda endpoint: services.change_endpoint(endpoint, enabled=True), chosen)

    @admin.action(description="Disable", permissions=["act"])
    def disable(self, request: HttpRequest, chosen: QuerySet[Endpoint]) -> None:
        each(request, lambda endpoint: services.change_endpoint(endpoint, enabled=False), chosen)


@admin.register(Event)
class EventAdmin(LookOnly, admin.ModelAdmin):
    list_display = ("public_id", "type", "owner", "created_at")
    list_select_related = ("owner",)
    list_filter = ("type",)
    search_fields = ("owner__email",)
    ordering = ("-id",)
    fields = ("public_id", "type", "owner", "created_at", "body")


class LatestAttempts(LatestRows):
    shown = SHOWN_ATTEMPTS


class AttemptInline(LookOnly, admin.TabularInline):
    model = Attempt
    formset = LatestAttempts
    ordering = ("-id",)
    verbose_name_plural = f"latest {SHOWN_ATTEMPTS} attempts"
    fields = ("started_at", "status", "error", "duration", "response")


@admin.register(Delivery)
class DeliveryAdmin(LookOnly, admin.ModelAdmin):
    list_display = ("public_id", "type", "url", "status", "tries", "next_attempt_at", "created_at")
    list_select_related = ("event", "endpoint")
    list_filter = ("status", "event__type")
    search_fields = ("endpoint__url", "endpoint__owner__email")
    ordering = ("-id",)
    fields = (
        *("public_id", "event", "endpoint", "status", "tries", "next_attempt_at"),
        *("created_at", "completed_at"),
    )
    inlines = (AttemptInline,)
    actions = ("redeliver",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        secrets = ("endpoint__secret", "endpoint__old_secrets")
        return super().get_queryset(request).defer("event__body", *secrets)

    @admin.display(ordering="event__type")
    def type(self, delivery: Delivery) -> str:
        return delivery.event.type

    @admin.display(ordering="endpoint__url")
    def url(self, delivery: Delivery) -> str:
        return delivery.endpoint.url

    @admin.action(description="Send again", permissions=["act"])
    def redeliver(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        each(request, services.redeliver, chosen)
