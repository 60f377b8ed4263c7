"""Who is calling: by key, by session, or nobody. Every refusal looks the same."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.middleware.csrf import get_token
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.request import Request

from accounts import keys
from accounts.authentication import CallerAuthentication, authenticate
from accounts.models import ApiKey, User
from accounts.services import create_api_key, revoke_api_key
from chatbot_project.api.callers import Caller
from chatbot_project.api.errors import InsufficientPermissions, InvalidApiKey
from tests.cast import PASSWORD


def call(secret: str, scheme: str = "Bearer") -> Caller | None:
    return authenticate(RequestFactory().get("/api/usage", HTTP_AUTHORIZATION=f"{scheme} {secret}"))


def test_a_key_speaks_for_its_owner(owner: User) -> None:
    key, secret = create_api_key(owner, scopes=["chat:read"])
    caller = call(secret)
    assert caller is not None
    assert (caller.account_id, caller.user, caller.key) == (owner.pk, owner, key)
    assert caller.scopes == frozenset({"chat:read"})
    assert caller.requests_per_minute == 100


def test_a_key_without_scopes_may_do_everything(owner_key: str) -> None:
    caller = call(owner_key)
    assert caller is not None
    assert caller.scopes is None
    caller.require("webhooks:write")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bearer  "])
def test_the_scheme_may_be_in_any_case(owner_key: str, scheme: str) -> None:
    assert call(owner_key, scheme)


def test_nothing_of_the_owner_is_left_to_fetch(owner_key: str) -> None:
    call(owner_key)  # writes last_used_at
    with CaptureQueriesContext(connection) as queries:
        caller = call(owner_key)
        assert caller is not None
        str(caller.user), caller.user.tier.name, caller.user.is_staff, str(caller.key)
    assert len(queries) == 1


def test_a_malformed_key_never_reaches_the_database(owner_key: str) -> None:
    wrong = owner_key[:-1] + ("A" if owner_key[-1] != "A" else "B")
    with CaptureQueriesContext(connection) as queries, pytest.raises(InvalidApiKey):
        call(wrong)
    assert len(queries) == 0


def refused_keys(owner: User, stranger: User) -> dict[str, str]:
    revoked, expired = create_api_key(owner), create_api_key(owner)
    revoke_api_key(revoked[0])
    ApiKey.objects.filter(pk=expired[0].pk).update(expires_at=timezone.now())
    inactive = create_api_key(stranger)[1]
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    return {
        "revoked": f"Bearer {revoked[1]}",
        "expired": f"Bearer {expired[1]}",
        "owner not active": f"Bearer {inactive}",
        "unknown": f"Bearer {keys.make()}",
        "malformed": "Bearer sk-123",
        "not ASCII": "Bearer cb_live_\xff",
        "two": f"Bearer {keys.make()} {keys.make()}",
        "empty": "Bearer",
        "scheme": f"Basic {revoked[1]}",
        "no scheme": revoked[1],
        "missing": "",
    }


def test_all_refusals_look_the_same(owner: User, stranger: User) -> None:
    answers = {}
    for name, header in refused_keys(owner, stranger).items():
        response = Client().get("/api/usage", headers={"Authorization": header})
        error = json.loads(response.content)["error"]
        error["details"].pop("request_id")
        answers[name] = (response.status_code, json.dumps(error), response["WWW-Authenticate"])
    assert len(set(answers.values())) == 1, answers
    assert answers["missing"][0] == 401
    assert "INVALID_API_KEY" in answers["missing"][1]


def test_a_use_is_noted(owner: User) -> None:
    key, secret = create_api_key(owner)
    call(secret)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert timezone.now() - key.last_used_at < timedelta(minutes=1)


def test_uses_are_noted_once_a_minute(owner: User) -> None:
    key, secret = create_api_key(owner)
    recent = timezone.now() - timedelta(seconds=50)
    for last, changes in ((recent, False), (recent - timedelta(seconds=20), True)):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=last)
        call(secret)
        key.refresh_from_db()
        assert (key.last_used_at != last) == changes


def test_nobody_is_nobody(db: None) -> None:
    assert authenticate(RequestFactory().get("/api/usage")) is None


@pytest.fixture
def browser(owner: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    assert client.login(username="OWNER@example.com", password=PASSWORD)
    return client


def test_a_session_speaks_for_its_user(browser: Client, owner: User) -> None:
    response = browser.get("/api/usage")
    assert response.status_code == 200
    assert response.json()["tier"] == "standard"


def test_a_session_ends_with_its_user(browser: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert browser.get("/api/usage").status_code == 401


@pytest.mark.parametrize("cookie", ["", "nonsense", "\0", "x" * 4000])
def test_a_made_up_session_is_nobody(db: None, cookie: str) -> None:
    client = Client()
    client.cookies["sessionid"] = cookie
    assert client.get("/api/usage").status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_session_changes_things_with_a_csrf_token_alone(browser: Client, method: str) -> None:
    """405 is the view's answer: it was reached. 403 is the refusal before it."""
    send = getattr(browser, method)
    refused = send("/api/usage", {}, content_type="application/json")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "INSUFFICIENT_PERMISSIONS"
    token = get_token(RequestFactory().get("/"))
    browser.cookies["csrftoken"] = token
    accepted = send("/api/usage", {}, "application/json", headers={"X-CSRFToken": token})
    assert accepted.status_code == 405
    other = get_token(RequestFactory().get("/"))
    wrong = send("/api/usage", {}, "application/json", headers={"X-CSRFToken": other})
    assert wrong.status_code == 403


@pytest.mark.parametrize("factory", [RequestFactory, AsyncRequestFactory])
def test_a_token_in_a_form_is_not_looked_for(browser: Client, factory: Any) -> None:
    """It would mean reading a whole upload before knowing who sends it."""
    request = factory().post("/api/usage", {"csrfmiddlewaretoken": "x"})
    request.COOKIES["sessionid"] = browser.cookies["sessionid"].value
    with pytest.raises(InsufficientPermissions, match="CSRF"):
        authenticate(request)
    assert request.body


def test_a_key_wins_over_a_session(browser: Client, stranger_key: str, stranger: User) -> None:
    request = RequestFactory().post("/api/usage", HTTP_AUTHORIZATION=f"Bearer {stranger_key}")
    request.COOKIES["sessionid"] = browser.cookies["sessionid"].value
    caller = authenticate(request)
    assert caller is not None
    assert caller.user == stranger


def test_rest_framework_sees_the_caller(owner_key: str, owner: User) -> None:
    request = RequestFactory().get("/api/usage")
    assert CallerAuthentication().authenticate(Request(request)) is None
    request.caller = call(owner_key)  # type: ignore[attr-defined]
    assert CallerAuthentication().authenticate(Request(request)) == (owner, request.caller)  # type: ignore[attr-defined]
