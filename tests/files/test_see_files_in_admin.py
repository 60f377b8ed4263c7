"""Staff see files in the admin, and change nothing but that they are there."""

from django.test import Client

from files.models import StoredFile
from tests.files.calling import Files, work

LIST = "/admin/files/storedfile/"


def test_they_are_found_and_shown(files: Files, staff_browser: Client) -> None:
    files.upload(name="tides.txt", description="Of the sea")
    files.upload(b" ", name="empty.txt")
    work()
    for query in ("tides", "sea", "owner@example", StoredFile.objects.latest("id").sha256):
        assert staff_browser.get(LIST, {"q": query}).status_code == 200
    page = staff_browser.get(LIST, {"q": "tides"}).content.decode()
    assert "tides.txt" in page
    assert "empty.txt" not in page
    failed = staff_browser.get(LIST, {"status": "failed"}).content.decode()
    assert "empty.txt" in failed
    assert "tides.txt" not in failed


def test_nothing_can_be_changed(files: Files, staff_browser: Client) -> None:
    files.upload()
    file = StoredFile.objects.get()
    page = staff_browser.get(f"{LIST}{file.pk}/change/")
    assert page.status_code == 200
    assert "_save" not in page.content.decode()
    assert staff_browser.get(f"{LIST}add/").status_code == 403
    staff_browser.post(f"{LIST}{file.pk}/change/", {"filename": "other"})
    assert StoredFile.objects.get().filename == "tides.txt"
