"""API keys: made, rotated and revoked here; their secrets shown once, their hashes never."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.models import SCOPES, STAFF_SCOPES, ApiKey, User
from accounts.services import OVERLAP, create_api_key, revoke_api_key, rotate_api_key
from chatbot_project.api.errors import Conflict, QuotaExceeded

LIST = "admin:accounts_apikey_changelist"
OVERLAPS = {"0": "at once", "1": "1 hour", "24": "24 hours", "168": "7 days"}  # in hours


class NewKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in (*SCOPES, *STAFF_SCOPES)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: the key may do everything.",
    )

    class Meta:
        model = ApiKey
        fields = ("owner", "name", "scopes", "expires_at")

    def clean_scopes(self) -> list[str] | None:
        return self.cleaned_data["scopes"] or None

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError("This is in the past.")
        return expires_at


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("usable", "Usable"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "usable":
            return queryset.usable()
        if self.value() == "revoked":
            return queryset.exclude(revoked_at=None)
        if self.value() == "expired":
            return queryset.filter(revoked_at=None, expires_at__lte=timezone.now())
        return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    form = NewKeyForm
    add_fields = (
        "owner",
        "name",
        "scopes",
        "expires_at",
    )
    fields = (
        "shown",
        "public_id",
        "owner",
        "name",
        "scopes_shown",
        "status",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "rotated_from",
    )
    autocomplete_fields = ("owner",)
    list_display = (
        "shown",
        "name",
        "owner",
        "scopes_shown",
        "status",
        "created_at",
        "expires_at",
        "last_used_at",
    )
    list_select_related = ("owner",)
    list_filter = (
        StatusFilter,
        "owner__tier",
        "created_at",
        "last_used_at",
    )
    search_fields = (
        "name",
        "owner__email",
        "prefix",
        "last_four",
    )
    actions = (
        "revoke_selected",
        "rotate_selected",
    )
    change_form_template = "admin/accounts/apikey/change_form.html"

    @admin.display(description="key", ordering="prefix")
    def shown(self, key: ApiKey) -> str:
        return str(key)

    @admin.display(description="scopes")
    def scopes_shown(self, key: ApiKey) -> str:
        return "everything" if key.scopes is None else ", ".join(key.scopes)

    @admin.display
    def status(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "revoked"
        if not key.is_usable():
            return "expired"
        return "usable" if key.owner.is_active else "account not active"

    # --- Made here, and then only looked at ---------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fields if obj else self.add_fields

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fields if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """Whoever rotates a key holds it: keys of superusers are for superusers."""
        keys = super().get_queryset(request)
        return keys if request.user.is_superuser else keys.filter(owner__is_superuser=False)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "owner" and not request.user.is_superuser:
            kwargs["queryset"] = User.objects.filter(is_superuser=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Not by the hash: whoever could ask for a range of it would find it out."""
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return allowed and lookup.split("__")[0] != "hash"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whoever may change keys may revoke and rotate them."""
        return super().has_change_permission(request)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().add_view(request, *args, **kwargs)
        except QuotaExceeded as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return redirect(LIST)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing from the address: Django would put it into the form's fields unread."""
        return {}

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> ApiKey:
        """Makes the key, so that the admin's log and pages speak of the real one."""
        assert isinstance(request.user, User)  # noqa: S101
        key, secret = create_api_key(**form.cleaned_data, made_by=request.user)
        self.note_secret(request, key, secret)
        return key

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """`save_form` has saved it."""

    def save_related(self, request: HttpRequest, *args: Any) -> None:
        """There is nothing more to save."""

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self.show_once(request)

    def note_secret(self, request: HttpRequest, key: ApiKey, secret: str) -> None:
        """For the answer to this request, and nowhere else: a message would go into a cookie."""
        self.secrets_of(request).append((key.name or str(key), secret))

    def secrets_of(self, request: HttpRequest) -> list[tuple[str, str]]:
        secrets: list[tuple[str, str]] = vars(request).setdefault("new_secrets", [])
        return secrets

    def show_once(self, request: HttpRequest) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "New API keys",
            "secrets": self.secrets_of(request),
        }
        return TemplateResponse(request, "admin/accounts/apikey/secrets.html", context)

    # --- Their end, from the list -------------------------------------------------------------

    @admin.action(description="Revoke selected keys", permissions=["end"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            self.revoke(request, key)

    @admin.action(description="Rotate selected keys (old ones work 24 h)", permissions=["end"])
    def rotate_selected(
        self, request: HttpRequest, queryset: QuerySet[ApiKey]
    ) -> HttpResponse | None:
        for key in queryset.select_related("owner"):
            self.rotate(request, key, OVERLAP)
        return self.show_once(request) if self.secrets_of(request) else None

    def revoke(self, request: HttpRequest, key: ApiKey) -> None:
        revoke_api_key(key)
        self.log_change(request, key, "Revoked.")
        self.message_user(request, f"The key {key} is revoked.", messages.SUCCESS)

    def rotate(self, request: HttpRequest, key: ApiKey, overlap: timedelta) -> None:
        try:
            successor, secret = rotate_api_key(key, overlap)
        except (Conflict, QuotaExceeded) as refusal:
            self.message_user(request, f"Key {key}: {refusal.message}", messages.ERROR)
            return
        self.log_change(request, key, f"Rotated: {successor}.")
        self.note_secret(request, successor, secret)

    # --- Their end, from a key's own page -----------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<path:key_id>/revoke/", wrap(self.revoke_view), name="accounts_apikey_revoke"),
            path("<path:key_id>/rotate/", wrap(self.rotate_view), name="accounts_apikey_rotate"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context.update(may_end=self.has_end_permission(request), overlaps=OVERLAPS.items())
        return super().render_change_form(request, context, *args, **kwargs)

    def revoke_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        return self.end(request, key_id, lambda key: self.revoke(request, key))

    def rotate_view(self, request: HttpRequest, key_id: str) -> HttpResponse:
        hours = request.POST.get("overlap", "")
        overlap = timedelta(hours=int(hours)) if hours in OVERLAPS else OVERLAP
        return self.end(request, key_id, lambda key: self.rotate(request, key, overlap))

    def end(self, request: HttpRequest, key_id: str, ended: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_end_permission(request):
            raise PermissionDenied
        key = self.get_object(request, key_id)
        if key is None:
            raise Http404
        with transaction.atomic():
            ended(key)
        if self.secrets_of(request):
            return self.show_once(request)
        return redirect("admin:accounts_apikey_change", key.pk)
