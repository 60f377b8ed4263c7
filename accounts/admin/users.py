"""Users: sign in by e-mail, have a tier, are switched off, or deleted with all that they have."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.deletion import count_belongings, delete_account
from accounts.models import STANDARD, Tier, User

# Who may edit these could make anybody, himself too, a superuser.
SUPERUSERS_ONLY = ["is_staff", "is_superuser", "groups", "user_permissions"]


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
        "is_active",
        "is_staff",
        "last_login",
    )
    list_select_related = ("tier",)
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
    readonly_fields = (
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
        ("Facts", {"fields": ["public_id", "created_at", "last_login"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Superusers are changed, and their passwords set, by superusers alone."""
        users = super().get_queryset(request)
        return users if request.user.is_superuser else users.filter(is_superuser=False)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.readonly_fields, *([] if request.user.is_superuser else SUPERUSERS_ONLY)]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and obj != request.user

    def get_deleted_objects(
        self, objs: Iterable[User], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """How many things of which kind: to name them all could take the page for ever."""
        users = list(objs)
        belongings = sum(map(count_belongings, users), Counter({"users": len(users)}))
        oneself = [str(user) for user in users if user == request.user]
        return [str(user) for user in users], belongings, set(), oneself

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """Piece by piece, after the transaction that the page runs in."""
        transaction.on_commit(partial(delete_account, obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            self.delete_model(request, user)
