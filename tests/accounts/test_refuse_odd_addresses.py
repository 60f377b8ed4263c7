"""What an address asks of the admin may be nonsense: never a 500."""

from typing import Any

import pytest
from django.test import Client

ADD = "/admin/accounts/apikey/add/"
SEARCH = "/admin/autocomplete/?app_label=accounts&model_name=apikey&field_name=owner"


@pytest.fixture
def browser(staff_browser: Client) -> Client:
    staff_browser.raise_request_exception = False
    return staff_browser


@pytest.mark.parametrize(
    "query", ["owner=abc", "owner=%00", "name=%00", "expires_at=zzz", "scopes=%00"]
)
def test_a_form_takes_nothing_from_its_address(browser: Client, query: str) -> None:
    response: Any = browser.get(f"{ADD}?{query}")
    assert response.status_code == 200


def test_a_search_for_nul_is_refused(browser: Client) -> None:
    response: Any = browser.get(f"{SEARCH}&term=%00")
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/html")
    assert browser.get(f"{SEARCH}&term=a").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/admin/accounts/apikey/?q=%00",
        "/admin/accounts/apikey/%00/change/",
        "/admin/accounts/apikey/?owner__tier__id__exact=%00",
        "/admin/accounts/apikey/?created_at__gte=zzz",
        "/admin/accounts/user/add/?tier=%00&email=%00",
        "/admin/accounts/user/abc/password/",
        "/admin/accounts/usageday/?day__year=99999",
    ],
)
def test_nothing_else_fails(browser: Client, path: str) -> None:
    response: Any = browser.get(path)
    assert response.status_code in (200, 302, 400, 404)
