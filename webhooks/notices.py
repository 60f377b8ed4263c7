"""Mail to the owners of endpoints that we have disabled."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string

from webhooks.models import DisabledReason, Endpoint, Status
from webhooks.retention import moment_of

logger = logging.getLogger(__name__)

AT_MOST = 100  # mails at a time
TRIED_FOR = timedelta(days=1)  # where a mail server says that it may take it later
BY_US = [DisabledReason.GONE, DisabledReason.FAILING]


REFUSALS = (SMTPRecipientsRefused, SMTPDataError)


def tell_owners() -> int:
    """Each is told once, unless a worker dies between sending and saying so; whose mail is refused,
    not at all. Returns how many.

    Raises OSError where no mail can be sent at all: beat will have it tried again.
    """
    waiting = Endpoint.objects.filter(disabled_reason__in=BY_US, owner_told_at=None)
    ids = waiting.order_by("?").values_list("pk", flat=True)  # none stands before all others
    return sum(_try_to_tell(id) for id in list(ids[:AT_MOST]))


def _try_to_tell(endpoint_id: UUID) -> bool:
    """A mail that is refused for now stands in nobody else's way."""
    try:
        return _tell(endpoint_id)
    except REFUSALS:
        return False


@transaction.atomic
def _tell(endpoint_id: UUID) -> bool:
    """False: somebody else is at it, or it is not disabled any more, or the mail is refused.

    Raises one of REFUSALS for a mail that is to be tried again.
    """
    waiting = Endpoint.objects.filter(disabled_reason__in=BY_US, owner_told_at=None)
    waiting = waiting.annotate(now=Now())
    locked = waiting.select_related("owner").select_for_update(
        skip_locked=True, of=("self",), no_key=True
    )
    endpoint = locked.filter(pk=endpoint_id).first()
    if endpoint is None:
        return False
    endpoint.owner_told_at = Now()
    endpoint.save(update_fields=["owner_told_at"])
    try:
        _send(endpoint)
    except REFUSALS as error:
        final = _is_final(error) or endpoint.now - endpoint.disabled_at > TRIED_FOR
        told = {"endpoint": endpoint.public_id, "error": type(error).__name__, "final": final}
        logger.warning("owner_not_told", extra=told)
        if not final:
            raise
        return False
    return True


def _is_final(error: SMTPRecipientsRefused | SMTPDataError) -> bool:
    """RFC 5321, 4.2.1: what begins with 4 may be tried again."""
    if isinstance(error, SMTPDataError):
        return error.smtp_code >= 500
    return all(code >= 500 for code, _ in error.recipients.values())


def _send(endpoint: Endpoint) -> None:
    context = {
        "endpoint": endpoint,
        "since": first_missed(endpoint) or endpoint.disabled_at,
        "site_name": settings.SITE_NAME,
        "url": settings.PUBLIC_URL,
    }
    send_mail(
        f"{settings.SITE_NAME}: a webhook endpoint has been disabled",
        render_to_string("webhooks/endpoint_disabled.txt", context),
        None,
        [endpoint.owner.email],
    )


def first_missed(endpoint: Endpoint) -> datetime | None:
    """When the oldest event happened that never arrived there, as recovery counts: by its id."""
    missed = endpoint.deliveries.exclude(status=Status.SUCCEEDED).order_by("event_id")
    event_id = missed.values_list("event_id", flat=True).first()
    return moment_of(event_id) if event_id else None
