"""Staff delete an account in the admin: it is shut at once, and then a worker deletes all that it
had, bytes in storage too."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from accounts.models import UsageDay, User
from accounts.services import create_api_key
from accounts.tasks import delete_accounts
from chat.models import Chat, Message
from chatbot_project.storages import files_in_folder
from documents import indexing
from documents.models import Document
from files import processing
from files.tasks import sweep_files
from knowledge.models import Chunk, Embedding, Source, TermStat
from webhooks.models import Delivery, Event
from webhooks.services import create_endpoint

USERS = "/admin/accounts/user/"
YES = {"post": "yes"}


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.STORAGES = {**settings.STORAGES, "default": files_in_folder(tmp_path / "files")}
    return tmp_path / "files"


def bytes_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def furnish(user: User) -> None:
    """Some of everything that an account can have."""
    key, secret = create_api_key(user)
    create_endpoint(user, url="https://example.com/hook", events=["*"])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    for number, visibility in enumerate(("private", "shared" if user.is_staff else "private")):
        file = SimpleUploadedFile(f"{number}.txt", b"The moon moves the sea.")
        client.post("/api/files/upload", {"file": file, "visibility": visibility})
    while processing.process_next():
        pass
    for path, body in {
        "knowledge": {"content": "Tides come twice a day."},
        "documents": {"title": "Tides", "content": "The tides.", "knowledge": True},
    }.items():
        once = {"Idempotency-Key": path}
        client.post(f"/api/{path}", body, content_type="application/json", headers=once)
    indexing.index(Document.objects.get(owner=user).pk)
    chat = Chat.objects.create(owner=user, title="Tides", model="any")
    question = Message.objects.create(chat=chat, role="user", content="When?")
    Message.objects.create(chat=chat, parent=question, role="assistant", api_key=key)
    Chat.objects.filter(pk=chat.pk).update(leaf=question)
    UsageDay.objects.create(owner=user, day="2025-01-06", api_key=key)


def rows() -> dict[str, int]:
    """How many there are in each table of ours that has any."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            if not table.startswith(("django_", "auth_")):
                found[table] = cursor.fetchone()[0]
    return {table: count for table, count in found.items() if count}


def test_nothing_is_left(
    owner: User,
    staff: User,
    staff_browser: Client,
    folder: Path,
) -> None:
    furnish(staff)
    before, kept = rows(), len(bytes_in(folder))
    furnish(owner)
    assert len(bytes_in(folder)) == 2 * kept
    page = staff_browser.get(f"{USERS}{owner.pk}/delete/").content.decode()
    for belonging in ("Files: 2", "Documents: 1", "Chats: 1", "Sources: 4", "Endpoints: 1"):
        assert belonging in page
    assert staff_browser.post(f"{USERS}{owner.pk}/delete/", YES).status_code == 302
    delete_accounts()
    sweep_files()
    before["accounts_user"] -= 1
    assert rows() == before
    assert len(bytes_in(folder)) == kept
    for model in (Chunk, Embedding, TermStat):
        assert not model.objects.filter(audience=owner.pk).exists()
    assert not Event.objects.filter(owner_id=owner.pk).exists()


def test_several_at_once(
    owner: User,
    stranger: User,
    staff: User,
    staff_browser: Client,
    folder: Path,
) -> None:
    for user in (owner, stranger):
        furnish(user)
    picked = {"action": "delete_selected", "_selected_action": [owner.pk, stranger.pk]}
    staff_browser.post(USERS, picked | YES)
    delete_accounts()
    sweep_files()
    assert User.objects.get() == staff
    assert not bytes_in(folder)
    for model in (Source, Chunk, Document, Chat, Message, Event, Delivery):
        assert not model.objects.exists()


def test_nobody_deletes_himself(staff: User, owner: User, staff_browser: Client) -> None:
    assert staff_browser.post(f"{USERS}{staff.pk}/delete/", YES).status_code == 403
    picked = {"action": "delete_selected", "_selected_action": [owner.pk, staff.pk]}
    staff_browser.post(USERS, picked | YES)
    assert User.objects.count() == 2


def test_staff_need_the_permission_and_superusers_are_not_theirs(
    owner: User, stranger: User, staff: User
) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    rights = Permission.objects.filter(content_type__app_label="accounts")
    browser = Client()
    browser.force_login(stranger)
    stranger.user_permissions.set(rights.exclude(codename="delete_user"))
    assert browser.post(f"{USERS}{owner.pk}/delete/", YES).status_code == 403
    stranger.user_permissions.set(rights)
    assert browser.post(f"{USERS}{staff.pk}/delete/", YES).status_code == 302
    assert browser.get(f"{USERS}{owner.pk}/delete/").status_code == 200
    assert User.objects.count() == 3
