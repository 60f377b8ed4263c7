"""The admin shows endpoints, events and deliveries, finds them, and sends again; never a secret."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.webhooks.conftest import SAID, SECRET, make_endpoint
from webhooks import events
from webhooks.models import Attempt, Delivery, Endpoint

PAGES = ("endpoint", "event", "delivery")


@pytest.fixture
def delivery(owner: User) -> Delivery:
    """Failed, with an attempt."""
    endpoint = make_endpoint(owner, "https://app.example/hook")
    events.emit("chat.message", owner, SAID)
    delivery: Delivery = endpoint.deliveries.get()
    Attempt.objects.create(
        delivery=delivery, started_at=delivery.created_at, duration=1, status=503, response="Sorry"
    )
    Delivery.objects.update(status="failed", tries=10)
    return delivery


def list_of(page: str) -> str:
    return f"/admin/webhooks/{page}/"


def act(client: Client, page: str, action: str, row: Any) -> Any:
    chosen = {"action": action, "_selected_action": [row.pk]}
    return client.post(list_of(page), chosen, follow=True)


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_searches(page: str, staff_browser: Client, delivery: Delivery) -> None:
    for search, rows in (("owner@example.com", 1), ("nobody", 0)):
        shown = staff_browser.get(list_of(page), {"q": search})
        assert (shown.status_code, shown.context["cl"].result_count) == (200, rows)


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_all_but_secrets(page: str, staff_browser: Client, delivery: Delivery) -> None:
    rows: dict[str, Any] = {
        "endpoint": delivery.endpoint,
        "event": delivery.event,
        "delivery": delivery,
    }
    row = rows[page]
    path = f"{list_of(page)}{row.pk}/change/"
    shown = staff_browser.get(path).content.decode()
    assert row.public_id in shown
    stored = bytes(Endpoint.objects.get().secret).decode()
    assert SECRET not in shown
    assert stored not in shown
    assert staff_browser.post(path, {}).status_code == 403
    assert staff_browser.get(f"{list_of(page)}add/").status_code == 403


def test_a_delivery_is_sent_again(staff_browser: Client, delivery: Delivery) -> None:
    assert (
        "Sorry" in staff_browser.get(f"{list_of('delivery')}{delivery.pk}/change/").content.decode()
    )
    act(staff_browser, "delivery", "redeliver", delivery)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries) == ("pending", 0)


def test_a_delivery_shows_its_latest_attempts(staff_browser: Client, delivery: Delivery) -> None:
    fields: dict[str, Any] = {"delivery": delivery, "started_at": delivery.created_at}
    for number in range(30):
        Attempt.objects.create(duration=1, response=f"Answer {number:02}.", **fields)
    shown = staff_browser.get(f"{list_of('delivery')}{delivery.pk}/change/").content.decode()
    assert re.findall(r"Answer (\d\d)\.", shown) == [f"{number}" for number in range(29, 9, -1)]


def test_endpoints_are_switched(staff_browser: Client, delivery: Delivery) -> None:
    act(staff_browser, "endpoint", "disable", delivery.endpoint)
    assert not Endpoint.objects.get().enabled
    refused = act(staff_browser, "delivery", "redeliver", delivery)
    assert "enable it first" in refused.content.decode()
    assert Delivery.objects.get().status == "failed"
    act(staff_browser, "endpoint", "enable", delivery.endpoint)
    assert Endpoint.objects.get().enabled


def test_who_may_only_look_cannot_act(make_user: Any, delivery: Delivery) -> None:
    viewer = make_user("viewer@example.com", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(viewer)
    assert client.get(list_of("delivery")).status_code == 200
    act(client, "delivery", "redeliver", delivery)
    assert Delivery.objects.get().status == "failed"


@pytest.mark.parametrize("query", ["secret=1", "secret__gt=1", "old_secrets__contains=1"])
def test_nobody_searches_for_a_secret(query: str, staff_browser: Client) -> None:
    assert staff_browser.get(f"{list_of('endpoint')}?{query}").status_code == 400
