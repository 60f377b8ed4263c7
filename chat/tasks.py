"""What workers do for chats."""

import asyncio

from celery import shared_task

from chat import ending, titles


@shared_task
def make_titles() -> None:
    asyncio.run(titles.make_titles())


@shared_task
def sweep_abandoned_answers() -> None:
    ending.sweep_abandoned()
