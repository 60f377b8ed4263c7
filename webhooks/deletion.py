"""The end of endpoints, with all that they were to be told: nobody waits for it."""

from django.db import connection, transaction
from django.db.models.functions import Now

from accounts.models import User
from webhooks.models import DisabledReason, Endpoint

BATCH = 1000

# In the order of an index.
DELETE = """
WITH batch AS MATERIALIZED (
    SELECT id FROM webhooks_delivery WHERE endpoint_id = %s
    ORDER BY created_at DESC, id DESC LIMIT %s FOR UPDATE {others}
), gone AS (
    DELETE FROM webhooks_delivery WHERE id = ANY(ARRAY(SELECT id FROM batch)) RETURNING id
), attempts AS (
    DELETE FROM webhooks_attempt a USING gone WHERE a.delivery_id = gone.id
)
SELECT count(*) FROM gone
"""
DELETE_FREE = DELETE.format(others="SKIP LOCKED")
DELETE_WAITING = DELETE.format(others="")


def delete_endpoint(endpoint: Endpoint) -> None:
    """With its deliveries, however many. Call it outside of a transaction: events wait for the last
    step alone. Where it fails half-way the endpoint is disabled, and it can be called again."""
    disabled = {"enabled": False, "disabled_reason": DisabledReason.OWNER, "disabled_at": Now()}
    Endpoint.objects.filter(pk=endpoint.pk, enabled=True).update(**disabled)
    # What is being written down is waited for one at a time, holding nothing that others wait for.
    while _delete(DELETE_FREE, endpoint, BATCH) or _delete(DELETE_WAITING, endpoint, 1):
        pass
    _delete_rest(endpoint)


def _delete(statement: str, endpoint: Endpoint, limit: int | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [endpoint.pk, limit])
        deleted: int = cursor.fetchone()[0]
    return deleted


@transaction.atomic
def _delete_rest(endpoint: Endpoint) -> None:
    """Locked first: events that come meanwhile wait, and find nothing to belong to."""
    for locked in Endpoint.objects.select_for_update().filter(pk=endpoint.pk):
        _delete(DELETE_WAITING, endpoint, None)  # of transactions that saw it enabled
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
