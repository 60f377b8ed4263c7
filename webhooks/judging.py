"""What attempts say of their endpoints. Nobody who holds an endpoint is waited for: its attempts
are stored with the others, and judged later."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from webhooks import health
from webhooks.models import Delivery, Endpoint, Status
from webhooks.outcomes import GONE, Outcome, store

BUSY = (429, 503)  # their Retry-After is meant for all who come


@transaction.atomic
def record(
    fresh: Sequence[Outcome], older: Sequence[Outcome] = (), *, again: bool = False
) -> list[Outcome]:
    """Stores what came of `fresh` attempts and notes how endpoints are doing after these and the
    `older` ones. Returns those to be judged later: somebody else holds their endpoint.

    Endpoints are locked before deliveries, as everywhere, so that whoever claims more finds theirs
    resting. `again`: see `store`; to judge twice does no harm.
    """
    told = _by_endpoint(_telling([*older, *fresh]))
    free = Endpoint.objects.select_for_update(no_key=True, skip_locked=True).annotate(now=Now())
    held = list(free.filter(pk__in=[*told])) if told else []
    if fresh:
        store(fresh, again=again)
    for endpoint in held:
        _judge(endpoint, told.pop(endpoint.pk))
    taken = Endpoint.objects.filter(pk__in=[*told]).values_list("pk", flat=True)
    return [outcome for id in taken for outcome in told[id]] if told else []


def _telling(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """All of those endpoints of which there is something to note: an ordinary success is not."""
    theirs = [outcome for outcome in outcomes if not outcome.is_ours]
    judged = {o.job.endpoint_id for o in theirs if not o.succeeded or o.job.is_failing}
    return [outcome for outcome in theirs if outcome.job.endpoint_id in judged]


def _by_endpoint(outcomes: Sequence[Outcome]) -> dict[UUID, list[Outcome]]:
    found: dict[UUID, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.job.endpoint_id, []).append(outcome)
    return found


def _judge(endpoint: Any, outcomes: Sequence[Outcome]) -> None:
    """An address with any success is well: attempts that ran beside it count no more."""
    if any(outcome.succeeded and outcome.job.is_failing for outcome in outcomes):
        health.note_success(endpoint)
    for url in {outcome.job.url for outcome in outcomes}:
        here = [outcome for outcome in outcomes if outcome.job.url == url]
        is_well = any(outcome.succeeded for outcome in here)
        failed = [o for o in here if o.status == GONE or not (is_well or o.succeeded)]
        if failed and url == endpoint.url:
            health.note_failure(endpoint, _failure_of(failed))
        elif failed:
            _send_to_new_address(failed)


def _send_to_new_address(outcomes: list[Outcome]) -> None:
    """What the old one wanted no more is due at once. What another transaction has locked is being
    dealt with there."""
    gone = [outcome.job.delivery_id for outcome in outcomes if outcome.status == GONE]
    failed = Delivery.objects.filter(pk__in=gone, status=Status.FAILED)
    free = failed.select_for_update(skip_locked=True, no_key=True)
    Delivery.objects.filter(pk__in=free.values("pk")).update(
        status=Status.PENDING, next_attempt_at=Now(), completed_at=None
    )


def _failure_of(outcomes: list[Outcome]) -> health.Failure:
    return health.Failure(
        claimed_at=max(outcome.job.claimed_at for outcome in outcomes),
        gone=any(outcome.status == GONE for outcome in outcomes),
        rest=max((o.retry_after or 0 for o in outcomes if o.status in BUSY), default=0),
    )
