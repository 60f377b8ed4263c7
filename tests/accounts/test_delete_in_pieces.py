"""A deletion that has begun goes on: after a lost call, a killed worker, a failure, a long time."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from accounts import deletion
from accounts.models import Deletion, User
from chat.models import Chat

USERS = "/admin/accounts/user/"
YES = {"post": "yes"}
HERE = "tests.accounts.test_delete_in_pieces"
CALLS: list[str] = []


def stumble(user: User) -> bool:
    """A deleter that fails for one account."""
    CALLS.append(user.email)
    if user.email == "owner@example.com":
        raise OSError("no route to the bucket")
    return False


def one_chat(user: User) -> bool:
    chat = Chat.objects.filter(owner=user).first()
    return chat is not None and bool(chat.delete()[0])


def lapse() -> None:
    Deletion.objects.update(due_at=Now() - timedelta(seconds=1))


def state_of(browser: Client, user: User) -> str:
    assert browser.get(f"{USERS}{user.pk}/change/").status_code == 200
    page: str = browser.get(f"{USERS}?q={user.email}").content.decode()
    return page


def test_the_account_is_shut_in_the_request(
    owner: User, owner_client: Client, staff_browser: Client
) -> None:
    signed_in = Client()
    signed_in.force_login(owner)
    assert signed_in.get("/api/chat").status_code == 200
    answer = staff_browser.post(f"{USERS}{owner.pk}/delete/", YES, follow=True)
    page = answer.content.decode()
    assert "The deletion of owner@example.com has begun" in page
    assert "was deleted" not in page
    assert "being deleted since" in state_of(staff_browser, owner)
    for client in (owner_client, signed_in):
        assert client.get("/api/chat").status_code == 401


def test_it_does_not_come_back(owner: User, staff_browser: Client) -> None:
    deletion.begin([owner])
    data = {"email": owner.email, "tier": owner.tier_id, "is_active": "on"}
    assert staff_browser.post(f"{USERS}{owner.pk}/change/", data).status_code == 403
    assert staff_browser.get(f"{USERS}{owner.pk}/password/").status_code == 403
    owner.refresh_from_db()
    assert not owner.is_active


def test_a_lost_call_loses_nothing(owner: User, staff_browser: Client) -> None:
    """Nobody has run what was to happen after the commit; beat's call comes."""
    staff_browser.post(f"{USERS}{owner.pk}/delete/", YES)
    assert not deletion.delete_due()
    assert not User.objects.filter(pk=owner.pk).exists()


def test_a_killed_workers_account_is_taken_over(owner: User) -> None:
    deletion.begin([owner])
    assert deletion.take()
    assert deletion.take() is None
    assert not deletion.delete_due()
    assert User.objects.filter(pk=owner.pk).exists()
    lapse()
    deletion.delete_due()
    assert not User.objects.filter(pk=owner.pk).exists()


def test_who_has_lost_the_claim_deletes_no_more(owner: User) -> None:
    deletion.begin([owner])
    late = deletion.take()
    assert late
    Deletion.objects.update(claim=uuid4())
    assert deletion.delete_pieces(late, end=float("inf"))
    assert User.objects.filter(pk=owner.pk).exists()


def test_one_that_fails_holds_up_nobody(owner: User, stranger: User, settings: Any) -> None:
    settings.ACCOUNT_DELETERS = [f"{HERE}.stumble"]
    CALLS.clear()
    deletion.begin([owner])
    with pytest.raises(OSError, match="bucket"):
        deletion.delete_due()
    deletion.begin([stranger])
    assert not deletion.delete_due()
    assert list(User.objects.all()) == [owner]
    assert CALLS == ["owner@example.com", "stranger@example.com"]  # the pause is not over
    settings.ACCOUNT_DELETERS = []
    lapse()
    deletion.delete_due()
    assert not User.objects.exists()


def test_other_tasks_have_their_turn(
    owner: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ACCOUNT_DELETERS = [f"{HERE}.one_chat"]
    monkeypatch.setattr(deletion, "TURN", -1.0)
    for _ in range(2):
        Chat.objects.create(owner=owner, title="Tides", model="any")
    deletion.begin([owner])
    for left in (1, 0):
        assert deletion.delete_due()
        assert Chat.objects.count() == left
    assert not deletion.delete_due()
    assert not User.objects.exists()


def test_all_of_the_picked_begin_or_none(
    owner: User, stranger: User, staff_browser: Client
) -> None:
    """The database refuses the second: neither is shut, and the log is silent."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE accounts_deletion ADD CHECK (user_id <> '{stranger.pk}')")
    picked = {"action": "delete_selected", "_selected_action": [owner.pk, stranger.pk]}
    staff_browser.raise_request_exception = False
    assert staff_browser.post(USERS, picked | YES).status_code == 500
    assert User.objects.filter(is_active=True).count() == 3
    assert not LogEntry.objects.exists()


def test_several_are_named_in_the_message(
    owner: User, stranger: User, staff_browser: Client
) -> None:
    picked = {"action": "delete_selected", "_selected_action": [owner.pk, stranger.pk]}
    asked = staff_browser.post(USERS, picked)
    assert "Are you sure" in asked.content.decode()
    page = staff_browser.post(USERS, picked | YES, follow=True).content.decode()
    assert "The deletion of owner@example.com, stranger@example.com has begun" in page
    assert "Successfully deleted" not in page
    assert LogEntry.objects.count() == 2


def test_twice_is_once(owner: User, staff_browser: Client) -> None:
    for _ in range(2):
        assert staff_browser.post(f"{USERS}{owner.pk}/delete/", YES).status_code == 302
    assert Deletion.objects.count() == 1
    deletion.begin([User(email="gone@example.com")])
    assert Deletion.objects.count() == 1
