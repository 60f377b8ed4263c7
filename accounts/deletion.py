"""The end of an account: with all that it has, whichever app that belongs to.

It is shut at once, and deleted by a worker, piece by piece. What is to be deleted stands in the
database: a lost call, or a worker that is killed, loses nothing.

`settings.ACCOUNT_DELETERS` names the functions that delete what would be too much for one
transaction, or lies elsewhere than in the database: each takes the user, deletes some of it, and
says whether there was any. What else there is goes with the user's row.
"""

import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from accounts.models import Deletion, User
from chatbot_project.api import workers
from chatbot_project.celery import is_stopping

TASK = "accounts.tasks.delete_accounts"
LEASE = timedelta(minutes=2)  # for one piece; what has failed is tried again after it
TURN = 20.0  # seconds; then the worker's other tasks have theirs


@transaction.atomic
def begin(users: Iterable[User]) -> None:
    """Shuts the accounts: their keys and sessions are refused from now on. Once the caller's
    transaction commits, a worker deletes them."""
    rows = User.objects.select_for_update(no_key=True).order_by("pk")
    found = [user.pk for user in rows.filter(pk__in=[user.pk for user in users])]
    User.objects.filter(pk__in=found).update(is_active=False)
    Deletion.objects.bulk_create([Deletion(user_id=pk) for pk in found], ignore_conflicts=True)
    workers.call_on_commit(TASK)  # with the broker down, beat will see to it


def delete_due() -> bool:
    """Deletes accounts for a while. True: there is more to be done, and nobody is at it."""
    end = time.monotonic() + TURN
    while deletion := take():
        if not delete_pieces(deletion, end):
            return not is_stopping()
    return False


def take() -> Deletion | None:
    """One account at a time, by all workers: they have more to do. None: nothing is due, or
    somebody is at it."""
    if Deletion.objects.filter(due_at__gt=Now()).exclude(claim=None).exists():
        return None
    due = Deletion.objects.filter(due_at__lte=Now())
    deletion = due.order_by("due_at").select_related("user").first()
    if deletion is None:
        return None
    deletion.claim = uuid4()
    taken = due.filter(pk=deletion.pk).update(due_at=Now() + LEASE, claim=deletion.claim)
    return deletion if taken else None


def delete_pieces(deletion: Deletion, end: float) -> bool:
    """Whether the account is gone, or somebody else's. False: the time is up."""
    row = Deletion.objects.filter(pk=deletion.pk, claim=deletion.claim)
    try:
        while row.update(due_at=Now() + LEASE) and delete_piece(deletion.user):
            if is_stopping() or time.monotonic() > end:
                row.update(due_at=Now())
                return False
        return True
    finally:  # where a piece has failed, others come first
        row.update(claim=None)


def delete_piece(user: User) -> bool:
    """False: that was the last one, the user's row."""
    if any(import_string(path)(user) for path in settings.ACCOUNT_DELETERS):
        return True
    with transaction.atomic():
        for locked in User.objects.select_for_update().filter(pk=user.pk):
            locked.delete()
    return False


def count_belongings(user: User) -> Counter[str]:
    """How many of what go with the account, by the names of their kinds."""
    found: Counter[str] = Counter()
    for relation in User._meta.related_objects:
        model = relation.related_model
        if model is not Deletion:
            count = model._base_manager.filter(**{relation.field.name: user}).count()
            found[str(model._meta.verbose_name_plural)] = count
    return +found  # of what there is any
