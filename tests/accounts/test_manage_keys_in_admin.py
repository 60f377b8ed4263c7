"""The admin's keys: made there and shown once, rotated, revoked; the hash on no page."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.authentication import authenticate_key
from accounts.models import ApiKey, Tier, User
from accounts.services import create_api_key
from chatbot_project.api.errors import InvalidApiKey

ADD = "/admin/accounts/apikey/add/"
LIST = "/admin/accounts/apikey/"
SECRET = re.compile(r"cb_live_[0-9A-Za-z]{38}")


def page_of(key: ApiKey) -> str:
    return reverse("admin:accounts_apikey_change", args=[key.pk])


def form(owner: User, /, **fields: object) -> dict[str, object]:
    return {"owner": owner.pk, "name": "Website", "expires_at_0": "", "expires_at_1": ""} | fields


def key_of(secret: str) -> ApiKey:
    key = authenticate_key(secret).key
    assert isinstance(key, ApiKey)
    return key


def secrets_in(response: object) -> list[str]:
    return SECRET.findall(response.content.decode())  # type: ignore[attr-defined]


def test_a_key_is_made_and_shown_once(staff_browser: Client, owner: User) -> None:
    made = staff_browser.post(ADD, form(owner), follow=True)
    (secret,) = secrets_in(made)
    assert "no-store" in made["Cache-Control"]
    key = key_of(secret)
    assert (key.owner, key.name, key.scopes) == (owner, "Website", None)
    for path in (LIST, page_of(key), f"/admin/accounts/apikey/{key.pk}/history/", "/admin/"):
        response = staff_browser.get(path)
        assert response.status_code == 200
        assert secrets_in(response) == []


def test_a_secret_is_in_no_cookie_and_no_session(staff_browser: Client, owner: User) -> None:
    key, _ = create_api_key(owner)
    data = {"action": "rotate_selected", "_selected_action": [key.pk]}
    answers = [
        staff_browser.post(ADD, form(owner)),
        staff_browser.post(LIST, data),
        staff_browser.post(f"{LIST}{create_api_key(owner)[0].pk}/rotate/"),
    ]
    for answer in answers:
        [secret] = secrets_in(answer)
        assert "no-store" in answer["Cache-Control"]
        assert set(staff_browser.cookies) <= {"sessionid", "csrftoken"}
        assert secret not in str(dict(staff_browser.session))


def test_scopes_and_expiry_are_kept(staff_browser: Client, owner: User) -> None:
    soon = {"expires_at_0": "2099-01-02", "expires_at_1": "03:04:05"}
    scopes = ["chat:read", "knowledge:share"]
    staff_browser.post(ADD, form(owner, scopes=scopes, **soon))
    key = ApiKey.objects.get()
    assert key.scopes == scopes
    assert str(key.expires_at) == "2099-01-02 03:04:05+00:00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ["chat:fly"]},
        {"expires_at_0": "2020-01-01", "expires_at_1": "00:00"},
        {"owner": "01890000-0000-7000-8000-000000000000"},
        {"name": "n" * 101},
    ],
)
def test_what_is_wrong_is_said_in_the_form(
    staff_browser: Client, owner: User, wrong: dict[str, object]
) -> None:
    response = staff_browser.post(ADD, form(owner, **wrong))
    assert response.status_code == 200
    assert b"errorlist" in response.content
    assert not ApiKey.objects.exists()


def test_the_tiers_limit_holds_here_too(staff_browser: Client, owner: User) -> None:
    Tier.objects.filter(pk=owner.tier_id).update(max_api_keys=1)
    create_api_key(owner)
    response = staff_browser.post(ADD, form(owner), follow=True)
    assert "may have 1 usable API keys" in response.content.decode()
    assert secrets_in(response) == []
    assert ApiKey.objects.count() == 1


def test_a_key_is_revoked_by_its_button(staff_browser: Client, owner: User) -> None:
    key, secret = create_api_key(owner)
    page = staff_browser.get(page_of(key)).content.decode()
    assert f"{key.pk}/revoke/" in page
    staff_browser.post(f"{LIST}{key.pk}/revoke/")
    with pytest.raises(InvalidApiKey):
        authenticate_key(secret)
    assert f"{key.pk}/revoke/" not in staff_browser.get(page_of(key)).content.decode()


def test_a_key_is_rotated_by_its_button(staff_browser: Client, owner: User) -> None:
    key, old = create_api_key(owner)
    url = f"{LIST}{key.pk}/rotate/"
    (new,) = secrets_in(staff_browser.post(url, {"overlap": "1"}, follow=True))
    assert key_of(new).rotated_from == key
    assert authenticate_key(old)
    key.refresh_from_db()
    assert key.expires_at is not None
    assert abs(key.expires_at - timezone.now() - timedelta(hours=1)) < timedelta(minutes=1)
    again = staff_browser.post(url, follow=True)
    assert "rotated already" in again.content.decode()
    assert secrets_in(again) == []


def test_keys_are_revoked_from_the_list(staff_browser: Client, owner: User) -> None:
    picked = [create_api_key(owner)[0].pk for _ in range(2)]
    left, _ = create_api_key(owner)
    staff_browser.post(LIST, {"action": "revoke_selected", "_selected_action": picked})
    assert list(ApiKey.objects.usable()) == [left]


def test_keys_are_rotated_from_the_list(staff_browser: Client, owner: User) -> None:
    picked = [create_api_key(owner)[0].pk for _ in range(2)]
    data = {"action": "rotate_selected", "_selected_action": picked}
    assert len(secrets_in(staff_browser.post(LIST, data, follow=True))) == 2


def test_a_look_at_a_link_ends_nothing(staff_browser: Client, owner: User) -> None:
    key, secret = create_api_key(owner)
    for verb in ("revoke", "rotate"):
        assert staff_browser.get(f"{LIST}{key.pk}/{verb}/").status_code == 405
    assert authenticate_key(secret)


def test_an_unknown_key_is_not_found(staff_browser: Client) -> None:
    for key_id in ("nonsense", "01890000-0000-7000-8000-000000000000"):
        assert staff_browser.post(f"{LIST}{key_id}/revoke/").status_code == 404


def test_a_key_is_read_only_and_stays(staff_browser: Client, owner: User) -> None:
    key, _ = create_api_key(owner, "Website")
    assert staff_browser.post(page_of(key), form(owner, name="Other")).status_code == 403
    assert staff_browser.post(f"{LIST}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    key.refresh_from_db()
    assert key.name == "Website"


def test_the_hash_is_on_no_page(staff_browser: Client, owner: User) -> None:
    key, _ = create_api_key(owner)
    key.refresh_from_db()
    shapes = [bytes(key.hash).hex(), str(bytes(key.hash)), str(key.hash)]
    for path in (LIST, page_of(key), ADD, f"{LIST}{key.pk}/history/"):
        text = staff_browser.get(path).content.decode()
        assert not [shape for shape in shapes if shape in text]


@pytest.mark.parametrize("query", ["hash=1", "hash__gt=1", "hash__startswith=a"])
def test_nobody_searches_for_a_hash(staff_browser: Client, owner: User, query: str) -> None:
    create_api_key(owner)
    assert staff_browser.get(f"{LIST}?{query}").status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=usable", {"usable"}),
        ("status=revoked", {"revoked"}),
        ("status=expired", {"expired"}),
        ("q=owner@example.com", {"usable", "revoked", "expired"}),
        ("q=revok", {"revoked"}),
        ("q=nobody", set()),
    ],
)
def test_keys_are_found(staff_browser: Client, owner: User, query: str, found: set[str]) -> None:
    now = timezone.now()
    for name, ends in {
        "usable": {},
        "revoked": {"revoked_at": now},
        "expired": {"expires_at": now},
    }.items():
        key, _ = create_api_key(owner, name)
        ApiKey.objects.filter(pk=key.pk).update(**ends)
    response = staff_browser.get(f"{LIST}?{query}")
    assert {key.name for key in response.context["cl"].queryset} == found


def test_staff_without_the_right_get_nowhere(owner: User, stranger: User) -> None:
    key, secret = create_api_key(owner)
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    browser = Client()
    browser.force_login(stranger)
    for path in (LIST, page_of(key), ADD):
        assert browser.get(path).status_code == 403
    assert browser.post(f"{LIST}{key.pk}/revoke/").status_code == 403
    assert authenticate_key(secret)


def test_a_superusers_keys_are_for_superusers(staff: User, stranger: User) -> None:
    key, secret = create_api_key(staff)
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    stranger.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    browser = Client()
    browser.force_login(stranger)
    assert browser.post(f"{LIST}{key.pk}/rotate/").status_code == 404
    assert secrets_in(browser.post(ADD, form(staff), follow=True)) == []
    assert authenticate_key(secret)
    assert ApiKey.objects.count() == 1
