"""Answers of the API carry the headers that Django gives to pages."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client


@pytest.mark.parametrize("path", ["/api/chat", "/api/nowhere", "/api/schema"])
def test_https_is_asked_for_where_the_site_has_it(
    db: None, client: Client, settings: LazySettings, path: str
) -> None:
    assert "Strict-Transport-Security" not in client.get(path)
    settings.SECURE_HSTS_SECONDS = 31_536_000
    response: Any = client.get(path)
    assert response["Strict-Transport-Security"] == "max-age=31536000"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_nobody_frames_the_explorer_or_adds_scripts_to_it(db: None, client: Client) -> None:
    response: Any = client.get("/api/docs")
    assert response["X-Frame-Options"] == "DENY"
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    scripts = response.content.decode().split("<script")[1:]
    assert scripts
    assert all('src="/static/' in script.partition(">")[0] for script in scripts)
