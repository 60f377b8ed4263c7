"""Making keys: what is kept of one, which scopes may be given, how many an account may have."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.utils import timezone

from accounts import keys
from accounts.models import SCOPES, ApiKey, Tier, User
from accounts.services import create_api_key, revoke_api_key
from chatbot_project.api.errors import QuotaExceeded


def test_only_the_hash_is_kept(owner: User) -> None:
    key, secret = create_api_key(owner, "Website")
    with connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM accounts_apikey k")
        (row,) = cursor.fetchone()
    assert secret not in row
    assert bytes(ApiKey.objects.get().hash) == keys.hash_of(secret)
    assert (key.prefix, key.last_four) == (secret[:12], secret[-4:])


def test_it_keeps_name_scopes_and_expiry(owner: User) -> None:
    soon = timezone.now() + timedelta(days=90)
    create_api_key(owner, "Website", ["chat:read", "chat:write"], soon)
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.expires_at) == ("Website", ["chat:read", "chat:write"], soon)
    assert key.owner == owner


def test_every_scope_can_be_given(owner: User) -> None:
    assert create_api_key(owner, scopes=SCOPES)[0].scopes == SCOPES
    assert create_api_key(owner, scopes=None)[0].scopes is None


@pytest.mark.parametrize("scopes", [[], ["chat:fly"], ["chat:read", "CHAT:WRITE"], [""]])
def test_an_empty_list_and_unknown_scopes_are_refused(owner: User, scopes: list[str]) -> None:
    with pytest.raises(ValidationError) as refusal:
        create_api_key(owner, scopes=scopes)
    assert "scopes" in refusal.value.message_dict
    assert not ApiKey.objects.exists()


def test_staff_alone_give_the_scope_that_shares_knowledge(owner: User, staff: User) -> None:
    with pytest.raises(ValidationError):
        create_api_key(owner, scopes=["knowledge:share"])
    key, _ = create_api_key(owner, scopes=["knowledge:share"], made_by=staff)
    assert key.scopes == ["knowledge:share"]
    assert create_api_key(staff, scopes=["knowledge:share"])


def test_an_expiry_in_the_past_is_refused(owner: User) -> None:
    with pytest.raises(ValidationError) as refusal:
        create_api_key(owner, expires_at=timezone.now())
    assert "expires_at" in refusal.value.message_dict


def limit_keys(user: User, number: int) -> None:
    Tier.objects.filter(pk=user.tier_id).update(max_api_keys=number)


def test_the_tier_limits_how_many_are_usable(owner: User) -> None:
    limit_keys(owner, 2)
    create_api_key(owner)
    create_api_key(owner)
    with pytest.raises(QuotaExceeded) as refusal:
        create_api_key(owner)
    assert refusal.value.details == {
        "quota": "max_api_keys",
        "limit": 2,
        "used": 2,
        "resets_at": None,
    }


def test_revoked_and_expired_keys_make_room(owner: User, stranger: User) -> None:
    limit_keys(owner, 1)
    create_api_key(stranger)
    revoked, _ = create_api_key(owner)
    revoke_api_key(revoked)
    expired, _ = create_api_key(owner)
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    create_api_key(owner)
    with pytest.raises(QuotaExceeded):
        create_api_key(owner)


def test_the_command_line_passes_the_limit_by(owner: User) -> None:
    limit_keys(owner, 0)
    assert create_api_key(owner, limited=False)


@pytest.mark.django_db(transaction=True)
def test_the_limit_is_exact_when_many_ask_at_once(owner: User) -> None:
    limit_keys(owner, 5)
    together, outcomes = Barrier(12), []

    def ask() -> None:
        together.wait(10)
        try:
            create_api_key(owner)
            outcomes.append("made")
        except QuotaExceeded:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["made"] * 5 + ["refused"] * 7
    assert ApiKey.objects.usable().filter(owner=owner).count() == 5
