"""A start without Redis says what is missing, and goes on."""

from django.conf import settings

from chatbot_project.embedded.reaching import complaint_about_redis


def test_one_that_answers_is_no_matter() -> None:
    assert complaint_about_redis(settings.REDIS_URL) == ""


def test_one_that_does_not_is_named() -> None:
    complaint = complaint_about_redis("redis://127.0.0.1:1/0")
    assert complaint.startswith("REDIS_URL does not answer (")
    assert "\n" not in complaint
