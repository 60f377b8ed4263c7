"""Queries that somebody types into the address of a list of the admin."""

import pytest
from django.test import Client

from accounts.models import User

ODD = [
    "accounts/user/?date_joined__range=x",
    "accounts/user/?date_joined__range=xyz",
    "accounts/user/?date_joined__year=99999",
    "webhooks/event/?created_at__year=0",
    "webhooks/delivery/?created_at__year__gte=-5",
    "accounts/user/?date_joined__year=" + "9" * 30,
    "accounts/apikey/?created_at__range=x",
    "accounts/apikey/?nothing__like__this=1",
    "chat/chat/?created_at__year=" + "9" * 30,
    "documents/document/?created_at__range=x",
    "files/storedfile/?created_at__range=x",
    "webhooks/endpoint/?created_at__range=x",
]


@pytest.mark.parametrize("address", ODD)
def test_it_is_no_fault_of_ours(client: Client, admin_user: User, address: str) -> None:
    client.force_login(admin_user)
    assert client.get(f"/admin/{address}", follow=True).status_code in (200, 400)
