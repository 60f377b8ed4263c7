"""Users, their tiers, their API keys and what they used."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Now
from django.db.models.lookups import Exact
from django.utils import timezone

from chatbot_project.api import ids

SCOPES = [
    f"{area}:{action}"
    for area in ("chat", "documents", "files", "knowledge", "webhooks")
    for action in ("read", "write")
]
# Given by staff alone: it lets a key share knowledge with everyone.
STAFF_SCOPES = ["knowledge:share"]
STANDARD = "standard"
ENTERPRISE = "enterprise"


class Tier(models.Model):
    """What an account may use. None means no limit."""

    name = models.SlugField(unique=True)
    requests_per_minute = models.PositiveIntegerField()
    concurrent_answers = models.PositiveIntegerField()
    tokens_per_month = models.PositiveBigIntegerField(null=True, blank=True)
    max_file_bytes = models.PositiveBigIntegerField()
    max_files = models.PositiveIntegerField()
    max_stored_bytes = models.PositiveBigIntegerField()
    max_endpoints = models.PositiveIntegerField()
    max_api_keys = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["requests_per_minute"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str, password: str | None = None, tier: Tier | None = None, **fields: object
    ) -> "User":
        """Makes an account, in the standard tier unless `tier` says otherwise."""
        tier = tier or Tier.objects.get(name=STANDARD)
        user = self.model(email=self.normalize_email(email), tier=tier, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, email: str, password: str | None = None, tier: Tier | None = None, **fields: object
    ) -> "User":
        return self.create_user(email, password, tier, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.with_email(username or "").get()

    def with_email(self, email: str) -> models.QuerySet["User"]:
        """Whatever the case. `email__iexact` would miss the index, which is on lower(email)."""
        return self.filter(Exact(Lower("email"), Lower(Value(email))))


class User(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    # The constraint below is the real rule; Django's own commands look for `unique`.
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="users")
    is_staff = models.BooleanField("staff", default=False)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []

    class Meta:
        ordering: ClassVar = ["email"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="unique_email",
                violation_error_message="An account with this e-mail address exists.",
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def public_id(self) -> str:
        return ids.encode("user", self.id)


class Deletion(models.Model):
    """An account that is being deleted: workers take it, and whoever has the claim is at it."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True)
    begun_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(db_default=Now(), editable=False)  # or the end of the claim
    claim = models.UUIDField(null=True, editable=False)

    def __str__(self) -> str:
        return str(self.user_id)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> "ApiKeyQuerySet":
        """Neither revoked nor expired, and the account is active."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
            revoked_at=None,
            owner__is_active=True,
        )


class ApiKey(models.Model):
    """A secret that acts for its owner. Only its hash is kept; the secret is shown once."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    hash = models.BinaryField(max_length=32, unique=True, editable=False)
    prefix = models.CharField(max_length=16, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    rotated_from = models.OneToOneField(
        "self", null=True, editable=False, on_delete=models.SET_NULL, related_name="rotated_to"
    )

    objects: ClassVar = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(scopes=None) | Q(scopes__len__gt=0), name="scopes_null_or_not_empty"
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}...{self.last_four}"

    @property
    def public_id(self) -> str:
        return ids.encode("key", self.id)

    def is_usable(self, now: datetime | None = None) -> bool:
        now = now or timezone.now()
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class UsageDay(models.Model):
    """What one key (or, with no key, the owner's browser) used on one day, UTC."""

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="usage_days")
    api_key_id: uuid.UUID | None
    # RESTRICT: deleting a key must not give its tokens back; deleting its owner takes both.
    api_key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.RESTRICT, related_name="usage_days"
    )
    day = models.DateField()
    answers = models.PositiveIntegerField(default=0)
    prompt_tokens = models.PositiveBigIntegerField(default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-day"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "day", "api_key"],
                nulls_distinct=False,
                name="one_row_a_day_and_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} on {self.day}"
