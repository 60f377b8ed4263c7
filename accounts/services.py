"""Making, replacing and ending API keys; making the accounts that hold them."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import keys
from accounts.models import ENTERPRISE, SCOPES, STAFF_SCOPES, ApiKey, Tier, User
from chatbot_project.api.errors import Conflict, QuotaExceeded

OVERLAP = timedelta(hours=24)
MAX_OVERLAP = timedelta(days=30)
NEVER = datetime.max.replace(tzinfo=UTC)
FIRST_ADMIN = "admin@localhost"


@transaction.atomic
def create_api_key(
    owner: User,
    name: str = "",
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    *,
    made_by: User | None = None,
    limited: bool = True,
) -> tuple[ApiKey, str]:
    """The key and its secret, which nobody can show again. `scopes` None: everything.

    `made_by` (default: the owner) decides whether staff's scopes may be given; `limited=False`
    passes the tier's `max_api_keys` by, for the operator's command line.
    Raises ValidationError (scopes, expires_at) and QuotaExceeded.
    """
    check_scopes(scopes, made_by or owner)
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": "This is in the past."})
    owner = _locked(owner)
    if limited:
        _check_room(owner, owner.tier.max_api_keys)
    return _insert(ApiKey(owner=owner, name=name, scopes=scopes, expires_at=expires_at))


def check_scopes(scopes: Sequence[str] | None, made_by: User) -> None:
    """Raises ValidationError for an empty list, and for scopes that `made_by` cannot give."""
    if scopes is None:
        return
    if not scopes:
        raise ValidationError({"scopes": "Name at least one scope, or none at all for all."})
    known = [*SCOPES, *STAFF_SCOPES] if made_by.is_staff else SCOPES
    if unknown := [scope for scope in scopes if scope not in known]:
        raise ValidationError({"scopes": f"Unknown: {', '.join(unknown)}."})


def revoke_api_key(key: ApiKey) -> None:
    """From the next request on, the key is refused. Revoking twice changes nothing."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    key.refresh_from_db(fields=["revoked_at"])


@transaction.atomic
def rotate_api_key(key: ApiKey, overlap: timedelta = OVERLAP) -> tuple[ApiKey, str]:
    """A successor with the same name, scopes and lifetime; the old key works on for `overlap`.

    An account at its limit can still rotate: old keys in their overlap may double its number.
    Raises Conflict for a key that is not usable or has a successor, ValidationError, QuotaExceeded.
    """
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise ValidationError({"overlap": f"From 0 to {MAX_OVERLAP.days} days."})
    owner, now = _locked(key.owner), timezone.now()
    key.refresh_from_db()
    if not key.is_usable(now):
        raise Conflict("This key is revoked or expired: make a new one.")
    if ApiKey.objects.filter(rotated_from=key).exists():
        raise Conflict("This key has been rotated already.")
    _check_room(owner, 2 * owner.tier.max_api_keys)
    successor = ApiKey(owner=owner, name=key.name, scopes=key.scopes, rotated_from=key)
    if key.expires_at is not None:
        successor.expires_at = now + min(key.expires_at - key.created_at, NEVER - now)
    key.expires_at = min(key.expires_at or NEVER, now + overlap)
    key.save(update_fields=["expires_at"])
    return _insert(successor)


def _locked(owner: User) -> User:
    """Keys of one account are made one by one. Its chats can be written meanwhile."""
    users = User.objects.select_related("tier").select_for_update(of=("self",), no_key=True)
    return users.get(pk=owner.pk)


def _check_room(owner: User, limit: int) -> None:
    used = ApiKey.objects.usable().filter(owner=owner).count()
    if used >= limit:
        raise QuotaExceeded(
            f"This account may have {limit} usable API keys: revoke one first.",
            quota="max_api_keys",
            limit=limit,
            used=used,
            resets_at=None,
        )


def _insert(key: ApiKey) -> tuple[ApiKey, str]:
    secret = keys.make()
    key.hash = keys.hash_of(secret)
    key.prefix, key.last_four = secret[: len(keys.PREFIX) + 4], secret[-4:]
    key.save(force_insert=True)
    return key, secret


@transaction.atomic
def find_or_create_user(email: str, tier: Tier | None = None) -> User:
    """The account of that address, moved to `tier` if one is given; a new one has no password."""
    user = User.objects.with_email(email).first()
    if user is None:
        try:
            with transaction.atomic():
                return User.objects.create_user(email, tier=tier)
        except IntegrityError:  # another call has just made it
            user = User.objects.with_email(email).get()
    if tier and user.tier_id != tier.pk:
        user.tier = tier
        user.save(update_fields=["tier"])
    return user


@transaction.atomic
def create_first_admin() -> tuple[str, str, str] | None:
    """(e-mail, password, API key) of a new superuser; None when there is one already."""
    tier = Tier.objects.select_for_update().get(name=ENTERPRISE)  # one start at a time
    if User.objects.filter(is_superuser=True).exists():
        return None
    email, password = FIRST_ADMIN, secrets.token_urlsafe(12)
    if User.objects.with_email(email).exists():  # somebody else's: leave it alone
        email = f"admin-{secrets.token_hex(4)}@localhost"
    admin = User.objects.create_superuser(email, password, tier=tier)
    _, secret = create_api_key(admin, "First key")
    return admin.email, password, secret
