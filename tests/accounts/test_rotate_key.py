"""Rotation: a successor at once, the old key for a while longer. And revocation."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.authentication import authenticate_key
from accounts.models import ApiKey, Tier, User
from accounts.services import NEVER, create_api_key, revoke_api_key, rotate_api_key
from chatbot_project.api.errors import Conflict, InvalidApiKey, QuotaExceeded

DAY = timedelta(days=1)


def test_both_keys_work_for_a_day(owner: User) -> None:
    key, old = create_api_key(owner, "Website", ["chat:read"])
    successor, new = rotate_api_key(key)
    assert authenticate_key(old).key == key
    assert authenticate_key(new).key == successor
    assert (successor.name, successor.scopes) == ("Website", ["chat:read"])
    assert successor.rotated_from == key
    key.refresh_from_db()
    assert key.expires_at is not None
    assert abs(key.expires_at - timezone.now() - DAY) < timedelta(minutes=1)


def test_the_old_key_ends_with_its_overlap(owner: User) -> None:
    key, old = create_api_key(owner)
    _, new = rotate_api_key(key, timedelta(hours=1))
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())
    with pytest.raises(InvalidApiKey):
        authenticate_key(old)
    assert authenticate_key(new)


def test_without_overlap_the_old_key_ends_at_once(owner: User) -> None:
    key, old = create_api_key(owner)
    _, new = rotate_api_key(key, timedelta(0))
    with pytest.raises(InvalidApiKey):
        authenticate_key(old)
    assert authenticate_key(new)


def test_the_successor_lives_as_long_as_the_old_key_did(owner: User) -> None:
    key, _ = create_api_key(owner, expires_at=timezone.now() + 90 * DAY)
    ApiKey.objects.filter(pk=key.pk).update(created_at=timezone.now() - 60 * DAY)
    successor, _ = rotate_api_key(key)
    assert successor.expires_at is not None
    assert abs(successor.expires_at - timezone.now() - 150 * DAY) < timedelta(minutes=1)


def test_a_key_for_ever_has_a_successor_for_ever(owner: User) -> None:
    key, _ = create_api_key(owner, expires_at=NEVER)
    ApiKey.objects.filter(pk=key.pk).update(created_at=timezone.now() - 60 * DAY)
    assert rotate_api_key(key)[0].expires_at == NEVER


def test_an_overlap_never_prolongs_the_old_key(owner: User) -> None:
    ends = timezone.now() + timedelta(hours=1)
    key, _ = create_api_key(owner, expires_at=ends)
    rotate_api_key(key, DAY)
    key.refresh_from_db()
    assert key.expires_at == ends


def test_a_key_is_rotated_once(owner: User) -> None:
    key, _ = create_api_key(owner)
    rotate_api_key(key)
    with pytest.raises(Conflict):
        rotate_api_key(key)


def test_what_does_not_work_is_not_rotated(owner: User) -> None:
    key, _ = create_api_key(owner)
    stale = ApiKey.objects.get(pk=key.pk)
    revoke_api_key(key)
    with pytest.raises(Conflict):
        rotate_api_key(stale)


@pytest.mark.parametrize("overlap", [-DAY, 31 * DAY])
def test_overlaps_have_bounds(owner: User, overlap: timedelta) -> None:
    key, _ = create_api_key(owner)
    with pytest.raises(ValidationError):
        rotate_api_key(key, overlap)


def test_a_full_account_can_rotate_but_not_for_ever(owner: User) -> None:
    Tier.objects.filter(pk=owner.tier_id).update(max_api_keys=1)
    key, _ = create_api_key(owner)
    successor, _ = rotate_api_key(key)
    with pytest.raises(QuotaExceeded):
        rotate_api_key(successor)
    revoke_api_key(key)
    assert rotate_api_key(successor)


def test_a_revoked_key_is_refused_from_the_next_request(owner: User) -> None:
    key, secret = create_api_key(owner)
    assert authenticate_key(secret)
    revoke_api_key(key)
    with pytest.raises(InvalidApiKey):
        authenticate_key(secret)


def test_revoking_twice_keeps_the_first_time(owner: User) -> None:
    key, _ = create_api_key(owner)
    revoke_api_key(key)
    first = key.revoked_at
    revoke_api_key(key)
    assert first is not None
    assert key.revoked_at == first
