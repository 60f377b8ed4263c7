"""Users: sign in by e-mail, have a tier, are switched off, or deleted with all that they have."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import deletion
from accounts.models import STANDARD, Tier, User

# Who may edit these could make anybody, himself too, a superuser.
SUPERUSERS_ONLY = ["is_staff", "is_superuser", "groups", "user_permissions"]
MOST_NAMED = 5
BEGUN = "Keys and sessions are refused from now on; workers delete the rest."


def standard_tier() -> Tier | None:
    return Tier.objects.filter(name=STANDARD).first()


class NewUserForm(AdminUserCreationForm):
    tier = forms.ModelChoiceField(Tier.objects, initial=standard_tier)

    class Meta:
        model = User
        fields = ("email", "name", "tier")
        field_classes: ClassVar[dict[str, type]] = {}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    add_form = NewUserForm
    list_display = (
        "email",
        "name",
        "tier",
        "state",
        "is_staff",
        "last_login",
    )
    list_select_related = (
        "tier",
        "deletion",
    )
    list_filter = (
        "tier",
        "is_active",
        "is_staff",
        "is_superuser",
    )
    search_fields = (
        "email",
        "name",
    )
    ordering = ("email",)
    actions = ("delete_selected",)
    readonly_fields = (
        "state",
        "public_id",
        "created_at",
        "last_login",
    )
    add_fieldsets = (
        (None, {"fields": ["email", "name", "tier"]}),
        ("Password", {"fields": ["usable_password", "password1", "password2"]}),
    )
    fieldsets = (
        (None, {"fields": ["email", "name", "tier", "password"]}),
        ("Access", {"fields": ["is_active", *SUPERUSERS_ONLY]}),
        ("Facts", {"fields": ["state", "public_id", "created_at", "last_login"]}),
    )

    @admin.display(ordering="is_active")
    def state(self, user: User) -> str:
        if hasattr(user, "deletion"):
            return f"being deleted since {user.deletion.begun_at:%Y-%m-%d %H:%M} UTC"
        return "active" if user.is_active else "not active"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Superusers are changed, and their passwords set, by superusers alone."""
        users = super().get_queryset(request)
        return users if request.user.is_superuser else users.filter(is_superuser=False)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, *([] if request.user.is_superuser else SUPERUSERS_ONLY)]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An account that is being deleted does not come back."""
        return super().has_change_permission(request, obj) and not hasattr(obj, "deletion")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and obj != request.user

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """How many things of which kind: to name them all could take the page for ever."""
        users = list(objs)
        belongings = sum(map(deletion.count_belongings, users), Counter({"users": len(users)}))
        oneself = [str(user) for user in users if user == request.user]
        return [str(user) for user in users], belongings, set(), oneself

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        self.begin_deletion(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self.begin_deletion(request, list(queryset))

    def begin_deletion(self, request: HttpRequest, users: list[User]) -> None:
        deletion.begin(users)
        names = ", ".join(map(str, users[:MOST_NAMED]))
        more = f" and {len(users) - MOST_NAMED} more" if len(users) > MOST_NAMED else ""
        self.message_user(
            request, f"The deletion of {names}{more} has begun. {BEGUN}", messages.SUCCESS
        )

    @admin.action(description="Delete selected users", permissions=["delete"])
    def delete_selected(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponse | None:
        """All of them or none, and the log says the same. Django's own asks first, and refuses."""
        if not request.POST.get("post") or request.user in queryset:
            page: HttpResponse | None = delete_selected(self, request, queryset)
            return page
        with transaction.atomic():
            self.log_deletions(request, queryset)
            self.delete_queryset(request, queryset)
        return None

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        """Without Django's message, that it is gone."""
        if IS_POPUP_VAR in request.POST:
            return super().response_delete(request, obj_display, obj_id)
        seen = self.has_view_or_change_permission(request)
        return redirect("admin:accounts_user_changelist" if seen else "admin:index")
