"""Waking a worker to deliver. The work itself stands in the database: a lost call loses nothing.

One key in Redis says that a dispatcher has been asked for or is at work; while it is there nobody
needs to ask. It lives for seconds: a dispatcher renews it, and where one has died, or the broker
has lost the call, the next event or beat's sweep asks anew. Another key tells the one at work that
something has come.
"""

import logging
from functools import cache

import redis
from django.conf import settings
from redis.exceptions import RedisError

from chatbot_project.api import workers

logger = logging.getLogger(__name__)

KEY, NEWS = "webhooks:dispatcher", "webhooks:news"
ASKED = b"asked"
LEASE = 5  # seconds
TASK = "webhooks.tasks.deliver"


@cache
def client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=workers.TIMEOUT,
        socket_connect_timeout=workers.TIMEOUT,
    )


def wake() -> None:
    """Has a worker look for due deliveries, unless one is about to. Never fails."""
    workers.call(TASK, unless=is_awake)


ASK_OR_TELL = """
if redis.call('set', KEYS[1], ARGV[1], 'nx', 'ex', ARGV[2]) then return 0 end
redis.call('set', KEYS[2], 1, 'ex', ARGV[2])
return 1
"""


def is_awake() -> bool:
    """Whether a dispatcher has been asked for, or is at work; it is told then. If not, one has been
    asked for now."""
    return bool(client().eval(ASK_OR_TELL, 2, KEY, NEWS, ASKED, LEASE))


def has_news() -> bool:
    """Whether something has come since the last call. With Redis away, it may have."""
    try:
        return bool(client().delete(NEWS))
    except RedisError:
        return True


# Whoever was too slow to renew it leaves what another holds by now alone.
HOLD = """
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[2] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'ex', ARGV[3])
return 1
"""
DELETE_OWN = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end"


def hold(me: str) -> bool:
    """Whether dispatcher `me` may claim: call it every second or so while at work. With Redis down,
    any may: claims keep them apart."""
    try:
        return bool(client().eval(HOLD, 1, KEY, me, ASKED, LEASE))
    except RedisError:
        logger.warning("dispatcher_not_noted")
    return True


def end(me: str) -> None:
    """From now on events ask for a dispatcher: look once more for what came before."""
    try:
        client().eval(DELETE_OWN, 1, KEY, me)
    except RedisError:
        logger.warning("dispatcher_not_noted")
