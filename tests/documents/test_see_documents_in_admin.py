"""Staff find and read documents in the admin, with their versions; they change nothing there."""

import re

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from documents import services
from documents.admin import LatestVersions
from documents.models import Document


@pytest.fixture
def document(owner: User) -> Document:
    made = services.create_document(owner=owner, title="Tide table", content="Once a day.")
    with transaction.atomic():
        services.change_document(made, content="Twice a day.")
    return made


@pytest.mark.parametrize("search", ["tide", "owner@"])
def test_they_are_found_and_read(staff_browser: Client, document: Document, search: str) -> None:
    page = staff_browser.get("/admin/documents/document/", {"q": search})
    assert page.status_code == 200
    assert "Tide table" in page.content.decode()
    one = staff_browser.get(f"/admin/documents/document/{document.pk}/change/").content.decode()
    assert document.public_id in one
    assert "Twice a day." in one
    first = document.versions.get(number=1)
    path = f"/admin/documents/version/{first.pk}/change/"
    assert path in one
    assert "Once a day." in staff_browser.get(path).content.decode()


def test_a_page_has_the_latest_versions(
    staff_browser: Client, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LatestVersions.shown == 100
    monkeypatch.setattr(LatestVersions, "shown", 3)
    for number in range(3, 6):
        with transaction.atomic():
            services.change_document(document, content=f"{number} times a day.")
    page = staff_browser.get(f"/admin/documents/document/{document.pk}/change/").content.decode()
    links = re.findall(r"/admin/documents/version/([0-9a-f-]+)/change/", page)
    shown = [document.versions.get(pk=id).number for id in links]
    assert shown == [5, 4, 3]


def test_what_is_not_there_is_not_found(staff_browser: Client, document: Document) -> None:
    page = staff_browser.get("/admin/documents/document/", {"q": "nothing"})
    assert "Tide table" not in page.content.decode()


def test_nothing_is_changed(staff_browser: Client, document: Document) -> None:
    path = "/admin/documents/document"
    assert staff_browser.get(f"{path}/add/").status_code == 403
    assert staff_browser.post(f"{path}/{document.pk}/delete/").status_code == 403
    assert staff_browser.post(f"{path}/{document.pk}/change/", {}).status_code == 403
    document.refresh_from_db()
    assert document.version == 2
