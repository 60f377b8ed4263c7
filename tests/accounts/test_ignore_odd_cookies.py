"""A session cookie that is none of ours is no session, and no reason to fail."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

NULS = '"' + "\\000" * 9 + '"'  # octal escapes, which Django undoes


@pytest.mark.parametrize("cookie", [NULS, "A" * 32, "x" * 5000, "a b", "\u00e9"])
@pytest.mark.parametrize(
    ("path", "status"), [("/admin/", 302), ("/admin/login/", 200), ("/api/chat", 401)]
)
def test_nobody_is_signed_in(db: None, path: str, status: int, cookie: str) -> None:
    client = Client(HTTP_COOKIE=f"{settings.SESSION_COOKIE_NAME}={cookie}")
    response: Any = client.get(path)
    assert response.status_code == status
