"""Staff see what is in the knowledge base, and can delete a text that should not be there."""

from django.test import Client

from accounts.models import User
from knowledge.models import Chunk, Source, TermStat
from tests.knowledge.conftest import MakeSource

LIST = "/admin/knowledge/source/"


def test_sources_are_listed_and_shown(
    staff_browser: Client, owner: User, make_source: MakeSource
) -> None:
    source = make_source(owner, ["A valve."], title="Valves")
    make_source(owner, ["A pump."], title="Pumps", visibility="shared")
    listed = staff_browser.get(f"{LIST}?q=valves").content.decode()
    assert "Valves" in listed
    assert "Pumps" not in listed
    assert source.public_id in staff_browser.get(f"{LIST}{source.pk}/change/").content.decode()
    assert staff_browser.get("/admin/knowledge/embeddingmodel/").status_code == 200


def test_a_text_can_be_deleted(staff_browser: Client, owner: User, make_source: MakeSource) -> None:
    source = make_source(owner, ["A valve."], title="Valves")
    staff_browser.post(f"{LIST}{source.pk}/delete/", {"post": "yes"})
    for model in (Source, Chunk, TermStat):
        assert not model._default_manager.exists()


def test_a_files_source_cannot(staff_browser: Client, owner: User, make_source: MakeSource) -> None:
    source = make_source(owner, ["A valve."], source_type="document", filename="v.pdf")
    response = staff_browser.post(f"{LIST}{source.pk}/delete/", {"post": "yes"})
    assert response.status_code == 403
    assert Source.objects.exists()
