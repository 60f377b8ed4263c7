"""Mail to the owners of endpoints that we have disabled."""

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string

from webhooks.models import DisabledReason, Endpoint

BY_US = [DisabledReason.GONE, DisabledReason.FAILING]


def tell_owners() -> int:
    """Each is told once, unless a worker dies between sending and saying so. Returns how many."""
    told = 0
    while _tell_one():
        told += 1
    return told


@transaction.atomic
def _tell_one() -> bool:
    waiting = Endpoint.objects.filter(disabled_reason__in=BY_US, owner_told_at=None)
    endpoint = (
        waiting.select_related("owner")
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .order_by("disabled_at")
        .first()
    )
    if endpoint is None:
        return False
    endpoint.owner_told_at = Now()
    endpoint.save(update_fields=["owner_told_at"])
    context = {"endpoint": endpoint, "site_name": settings.SITE_NAME, "url": settings.PUBLIC_URL}
    send_mail(
        f"{settings.SITE_NAME}: a webhook endpoint has been disabled",
        render_to_string("webhooks/endpoint_disabled.txt", context),
        None,
        [endpoint.owner.email],
    )
    return True
