"""Mail to the owners of endpoints that we have disabled."""

import logging
from datetime import datetime
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
BY_US = [DisabledReason.GONE, DisabledReason.FAILING]


def tell_owners() -> int:
    """Each is told once, unless a worker dies between sending and saying so. Returns how many.

    Raises OSError where no mail can be sent at all: beat will have it tried again.
    """
    waiting = Endpoint.objects.filter(disabled_reason__in=BY_US, owner_told_at=None)
    ids = waiting.order_by("disabled_at").values_list("pk", flat=True)
    return sum(_try_to_tell(id) for id in list(ids[:AT_MOST]))


def _try_to_tell(endpoint_id: UUID) -> bool:
    """A mail that is refused stands in nobody else's way."""
    try:
        return _tell(endpoint_id)
    except (SMTPRecipientsRefused, SMTPDataError) as error:
        logger.warning("owner_not_told", extra={"error": type(error).__name__})
        return False


@transaction.atomic
def _tell(endpoint_id: UUID) -> bool:
    """False: somebody else is at it, or it is not disabled any more."""
    waiting = Endpoint.objects.filter(disabled_reason__in=BY_US, owner_told_at=None)
    locked = waiting.select_related("owner").select_for_update(
        skip_locked=True, of=("self",), no_key=True
    )
    endpoint = locked.filter(pk=endpoint_id).first()
    if endpoint is None:
        return False
    endpoint.owner_told_at = Now()
    endpoint.save(update_fields=["owner_told_at"])
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
    return True


def first_missed(endpoint: Endpoint) -> datetime | None:
    """When the oldest event happened that never arrived there, as recovery counts: by its id."""
    missed = endpoint.deliveries.exclude(status=Status.SUCCEEDED).order_by("event_id")
    event_id = missed.values_list("event_id", flat=True).first()
    return moment_of(event_id) if event_id else None
