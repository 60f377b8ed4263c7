"""Mail to the owners of endpoints that we have disabled."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.template.loader import render_to_string

from webhooks.models import DisabledReason, Endpoint, Status
from webhooks.retention import moment_of

logger = logging.getLogger(__name__)

AT_MOST = 100  # mails at a time
TRIED_FOR = timedelta(days=1)  # where a mail server says that it may take it later
LEASE = timedelta(minutes=5)  # much longer than a mail takes: each step has EMAIL_TIMEOUT
BY_US = [DisabledReason.GONE, DisabledReason.FAILING]


REFUSALS = (SMTPRecipientsRefused, SMTPDataError)


def tell_owners() -> int:
    """Each is told once, unless a worker dies between sending and saying so; whose mail is refused,
    not at all. Returns how many.

    Raises OSError where no mail can be sent at all: beat will have it tried again.
    """
    ids = _waiting().order_by("?").values_list("pk", flat=True)  # none stands before all others
    return sum(_tell(id) for id in list(ids[:AT_MOST]))


def _waiting() -> QuerySet[Any]:
    untold = Endpoint.objects.filter(disabled_reason__in=BY_US, owner_told_at=None)
    found: QuerySet[Any] = untold.exclude(mailing_until__gt=Now())
    return found


def _tell(endpoint_id: UUID) -> bool:
    """False: somebody else is at it, or it is not disabled any more, or the mail is refused. One
    that is refused for now stands in nobody else's way. No lock is held while a mail is sent."""
    endpoint = _claimed(endpoint_id)
    if endpoint is None:
        return False
    is_settled = False
    try:
        _send(endpoint)
        is_settled = True
    except REFUSALS as error:
        is_settled = _is_final(error) or endpoint.now - endpoint.disabled_at > TRIED_FOR
        told = {"endpoint": endpoint.public_id, "error": type(error).__name__, "final": is_settled}
        logger.warning("owner_not_told", extra=told)
        return False
    finally:
        _end(endpoint, is_settled)
    return True


@transaction.atomic
def _claimed(endpoint_id: UUID) -> Any:
    """With the time `now`. None: there is nothing to tell, or somebody else is at it."""
    free = _waiting().select_related("owner").annotate(now=Now())
    locked = free.select_for_update(skip_locked=True, of=("self",), no_key=True)
    endpoint = locked.filter(pk=endpoint_id).first()
    if endpoint is not None:
        endpoint.mailing_until = endpoint.now + LEASE
        endpoint.save(update_fields=["mailing_until"])
    return endpoint


def _end(endpoint: Any, is_settled: bool) -> None:
    """Of one that has been enabled meanwhile and disabled anew, nothing has been told."""
    mine = Endpoint.objects.filter(pk=endpoint.pk, mailing_until=endpoint.mailing_until)
    if is_settled:
        mine.filter(disabled_at=endpoint.disabled_at).update(owner_told_at=Now())
    mine.update(mailing_until=None)


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
