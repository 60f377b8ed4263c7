"""How many files, and how many bytes of them, an account may have."""

from accounts.models import Tier, User
from chatbot_project.api.errors import QuotaExceeded
from files.models import StoredFile


def hold(owner: User) -> User:
    """The owner with their tier. Files of one account are added one by one: its row is held until
    the end of the transaction."""
    users = User.objects.select_related("tier").select_for_update(of=("self",), no_key=True)
    return users.get(pk=owner.pk)


def count_files(user: User) -> int:
    """For GET /api/usage."""
    return StoredFile.objects.filter(owner=user).used()[0]


def count_bytes(user: User) -> int:
    """For GET /api/usage."""
    return StoredFile.objects.filter(owner=user).used()[1]


def check(owner: User, size: int) -> None:
    """Raises QuotaExceeded where a file of `size` bytes would be too much.

    Exact for an owner that the transaction holds.
    """
    count, stored = StoredFile.objects.filter(owner=owner).used()
    tier: Tier = owner.tier
    if count >= tier.max_files:
        raise exceeded("max_files", f"hold {tier.max_files} files", tier.max_files, count)
    if stored + size > tier.max_stored_bytes:
        most = tier.max_stored_bytes
        raise exceeded("max_stored_bytes", f"store {most} bytes of files", most, stored)


def exceeded(quota: str, may: str, limit: int, used: int) -> QuotaExceeded:
    message = f"This account may {may}: delete some first."
    return QuotaExceeded(message, quota=quota, limit=limit, used=used, resets_at=None)
