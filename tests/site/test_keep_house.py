"""What beat asks for: done by a task there is, not piled up, and the old sessions gone."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from chatbot_project.celery import app
from chatbot_project.site.tasks import clear_sessions

SCHEDULE: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE


@pytest.mark.parametrize("name", SCHEDULE)
def test_each_task_exists_and_expires_before_the_next(name: str) -> None:
    app.loader.import_default_modules()
    entry = SCHEDULE[name]
    assert entry["task"] in app.tasks
    day = timedelta(days=1).total_seconds()
    period = entry["schedule"] if isinstance(entry["schedule"], float) else day
    assert 0 < entry["options"]["expires"] <= period


@pytest.mark.django_db
def test_expired_sessions_are_deleted() -> None:
    now = timezone.now()
    Session.objects.create(session_key="old", expire_date=now - timedelta(days=1))
    Session.objects.create(session_key="new", expire_date=now + timedelta(days=1))
    clear_sessions()
    assert [session.session_key for session in Session.objects.all()] == ["new"]
