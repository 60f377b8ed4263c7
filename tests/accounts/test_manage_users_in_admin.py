"""The admin's users, tiers, usage and sign-in."""

from datetime import date
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Tier, UsageDay, User
from accounts.sign_in import TRIES_PER_MINUTE
from chatbot_project.api.limits import count
from tests.cast import PASSWORD

USERS = "/admin/accounts/user/"
SIGN_IN = "/admin/login/"


def sign_in(email: str, password: str = PASSWORD) -> Client:
    browser = Client()
    browser.post(SIGN_IN, {"username": email, "password": password})
    return browser


def is_signed_in(browser: Client) -> bool:
    return settings.SESSION_COOKIE_NAME in browser.cookies


def new_user(**fields: object) -> dict[str, object]:
    return {
        "email": "new@example.com",
        "tier": Tier.objects.get(name="premium").pk,
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
        **fields,
    }


def test_staff_sign_in_by_email_in_any_case(staff: User) -> None:
    assert is_signed_in(sign_in("STAFF@Example.com"))
    assert not is_signed_in(sign_in("staff@example.com", "wrong"))
    assert not is_signed_in(sign_in("nobody@example.com"))


def test_others_do_not_sign_in_to_the_admin(owner: User, staff: User) -> None:
    assert not is_signed_in(sign_in("owner@example.com"))
    User.objects.filter(pk=staff.pk).update(is_active=False)
    assert not is_signed_in(sign_in("staff@example.com"))


def calm_address() -> str:
    """An address whose minute lasts for a while; one of its tries is spent on asking."""
    addresses = (f"192.0.2.{number}" for number in range(1, 255))
    return next(it for it in addresses if count(f"sign-in:{it}", TRIES_PER_MINUTE).resets_in > 30)


def test_tries_are_limited_by_address(staff: User) -> None:
    address = calm_address()
    for _ in range(TRIES_PER_MINUTE - 1):
        assert "Too many tries" not in try_from(address, "wrong").content.decode()
    assert "Too many tries" in try_from(address, PASSWORD).content.decode()
    assert try_from("198.51.100.7", PASSWORD).status_code == 302


def try_from(address: str, password: str) -> Any:
    data = {"username": "staff@example.com", "password": password}
    return Client(REMOTE_ADDR=address).post(SIGN_IN, data)


def test_a_user_is_made_with_a_password(staff_browser: Client) -> None:
    staff_browser.post(f"{USERS}add/", new_user())
    user = User.objects.get(email="new@example.com")
    assert user.check_password(PASSWORD)
    assert user.tier.name == "premium"
    assert not user.is_staff


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "Staff@EXAMPLE.com"},
        {"email": "not an address"},
        {"password2": "another"},
        {"password1": "12345", "password2": "12345"},
    ],
)
def test_a_wrong_user_is_not_made(staff_browser: Client, wrong: dict[str, object]) -> None:
    response = staff_browser.post(f"{USERS}add/", new_user(**wrong))
    assert response.status_code == 200
    assert b"errorlist" in response.content
    assert User.objects.count() == 1


def test_tier_and_state_are_changed(staff_browser: Client, owner: User) -> None:
    premium = Tier.objects.get(name="premium")
    data = {"email": owner.email, "name": "Olga", "tier": premium.pk, "is_staff": "on"}
    assert staff_browser.post(f"{USERS}{owner.pk}/change/", data).status_code == 302
    owner.refresh_from_db()
    assert (owner.name, owner.tier, owner.is_staff, owner.is_active) == (
        "Olga",
        premium,
        True,
        False,
    )


def test_a_password_is_set(staff_browser: Client, owner: User) -> None:
    new = "another correct horse"
    data = {"usable_password": "true", "password1": new, "password2": new}
    staff_browser.post(f"{USERS}{owner.pk}/password/", data)
    owner.refresh_from_db()
    assert owner.check_password(new)


def test_staff_cannot_make_themselves_superusers(stranger: User, staff: User) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    stranger.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    browser = Client()
    browser.force_login(stranger)
    data = {"email": stranger.email, "tier": stranger.tier_id, "is_superuser": "on"}
    browser.post(f"{USERS}{stranger.pk}/change/", data | {"is_active": "on"})
    stranger.refresh_from_db()
    assert not stranger.is_superuser
    assert browser.get(f"{USERS}{staff.pk}/password/").status_code == 404
    assert browser.get(f"{USERS}{staff.pk}/change/").status_code == 302


def test_users_are_found(staff_browser: Client, owner: User, stranger: User) -> None:
    found = staff_browser.get(f"{USERS}?q=owner").context["cl"].queryset
    assert list(found) == [owner]


def test_a_tiers_limits_are_changed(staff_browser: Client) -> None:
    tier = Tier.objects.get(name="standard")
    page = f"/admin/accounts/tier/{tier.pk}/change/"
    data = {
        name: getattr(tier, name) for name in (f.name for f in Tier._meta.fields) if name != "id"
    }
    data |= {"name": "other", "requests_per_minute": 7, "tokens_per_month": ""}
    assert staff_browser.post(page, data).status_code == 302
    tier.refresh_from_db()
    assert (tier.name, tier.requests_per_minute, tier.tokens_per_month) == ("standard", 7, None)


def test_tiers_that_the_product_needs_stay(staff_browser: Client) -> None:
    spare = Tier.objects.get(name="premium")
    for tier in Tier.objects.exclude(pk=spare.pk):
        url = f"/admin/accounts/tier/{tier.pk}/delete/"
        assert staff_browser.post(url, {"post": "yes"}).status_code == 403
    staff_browser.post(f"/admin/accounts/tier/{spare.pk}/delete/", {"post": "yes"})
    assert sorted(tier.name for tier in Tier.objects.all()) == ["enterprise", "standard"]


def test_usage_is_read_only(staff_browser: Client, owner: User) -> None:
    day = UsageDay.objects.create(owner=owner, day=date(2025, 1, 6), answers=3)
    listed = "/admin/accounts/usageday/"
    assert "owner@example.com" in staff_browser.get(f"{listed}?q=owner").content.decode()
    assert staff_browser.get(f"{listed}{day.pk}/change/").status_code == 200
    assert staff_browser.post(f"{listed}{day.pk}/change/", {"answers": 0}).status_code == 403
    assert staff_browser.get(f"{listed}add/").status_code == 403
    assert staff_browser.post(f"{listed}{day.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_admin_bears_the_sites_name(staff_browser: Client) -> None:
    assert settings.SITE_NAME in staff_browser.get("/admin/").content.decode()
