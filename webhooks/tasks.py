"""What workers do for webhooks."""

import asyncio

from celery import shared_task

from webhooks import claims, dispatcher, notices, retention


@shared_task(ignore_result=True)
def deliver() -> None:
    """Delivers what is due. Woken by events, and by beat for what nobody was woken for."""
    asyncio.run(dispatcher.deliver())


@shared_task(ignore_result=True)
def sweep() -> None:
    """Retries that have come due, and whatever a lost call has left."""
    if claims.any_due():
        asyncio.run(dispatcher.deliver())


@shared_task(ignore_result=True)
def tell_owners() -> None:
    notices.tell_owners()


@shared_task(ignore_result=True)
def prune() -> None:
    retention.prune()
