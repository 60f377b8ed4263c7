"""The end of endpoints, with all that they were to be told: nobody waits for it."""

from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.models import User
from webhooks.models import DisabledReason, Endpoint

BATCH = 1000

DELETE = """
WITH gone AS (DELETE FROM webhooks_attempt WHERE delivery_id = ANY(%s))
DELETE FROM webhooks_delivery WHERE id = ANY(%s)
"""


def delete_endpoint(endpoint: Endpoint) -> None:
    """With its deliveries, however many. Call it outside of a transaction: events wait for the last
    step alone. Where it fails half-way the endpoint is disabled, and it can be called again."""
    disabled = {"enabled": False, "disabled_reason": DisabledReason.OWNER, "disabled_at": Now()}
    Endpoint.objects.filter(pk=endpoint.pk, enabled=True).update(**disabled)
    # What is being written down is waited for one at a time, holding nothing that others wait for.
    while _delete(endpoint, BATCH, skip_locked=True) or _delete(endpoint, 1):
        pass
    _delete_rest(endpoint)


@transaction.atomic
def _delete(endpoint: Endpoint, limit: int | None = None, *, skip_locked: bool = False) -> int:
    """How many of its deliveries have been deleted. Locked first: what was stored of them until
    then is found."""
    deliveries = endpoint.deliveries.order_by()  # to sort them takes longer than all the rest
    locked = deliveries.select_for_update(skip_locked=skip_locked).values_list("pk", flat=True)
    ids = list(locked[:limit])
    with connection.cursor() as cursor:
        cursor.execute(DELETE, [ids, ids])
    return len(ids)


@transaction.atomic
def _delete_rest(endpoint: Endpoint) -> None:
    """Locked first: events that come meanwhile wait, and find nothing to belong to."""
    for locked in Endpoint.objects.select_for_update().filter(pk=endpoint.pk):
        _delete(locked)  # those of transactions that saw it enabled
        locked.delete()


def delete_endpoints_of(owner: User) -> bool:
    """One of them, before their account is deleted; after the last one, all events that they were
    told of. False: there was nothing."""
    endpoint = Endpoint.objects.filter(owner=owner).first()
    if endpoint is not None:
        delete_endpoint(endpoint)
        return True
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM webhooks_event WHERE owner_id = %s", [owner.pk])
        return cursor.rowcount > 0
