"""The end of an account: with all that it has, whichever app that belongs to.

`settings.ACCOUNT_DELETERS` names their functions: each takes the user and deletes what would be too
much for one transaction, or lies elsewhere than in the database. What else there is goes with the
user's row.
"""

from collections import Counter

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from accounts.models import User


def delete_account(user: User) -> None:
    """Call it outside of a transaction. Where it fails half-way, nobody can act for the account any
    more, and it can be called again."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    for path in settings.ACCOUNT_DELETERS:
        import_string(path)(user)
    with transaction.atomic():
        for locked in User.objects.select_for_update().filter(pk=user.pk):
            locked.delete()


def count_belongings(user: User) -> Counter[str]:
    """How many of what go with the account, by the names of their kinds."""
    found: Counter[str] = Counter()
    for relation in User._meta.related_objects:
        model = relation.related_model
        count = model._base_manager.filter(**{relation.field.name: user}).count()
        found[str(model._meta.verbose_name_plural)] = count
    return +found  # of what there is any
