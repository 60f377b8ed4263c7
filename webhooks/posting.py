"""One attempt: signed, posted, and whatever comes of it put in words."""

import json
import logging
import ssl
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache

from django.conf import settings

from chatbot_project.api import ids
from chatbot_project.api.encryption import InvalidToken, decrypt
from webhooks import schedule, signing, targets
from webhooks.addresses import NotPublic
from webhooks.answers import Answer, BadAnswer
from webhooks.claims import Job
from webhooks.client import Client, Exhausted
from webhooks.outcomes import Outcome

logger = logging.getLogger(__name__)

# The first match says why there was no answer.
ERRORS: list[tuple[type[BaseException] | tuple[type[BaseException], ...], str]] = [
    (targets.BadUrl, "bad_url"),
    (NotPublic, "blocked"),
    (TimeoutError, "timeout"),
    (ssl.SSLError, "tls"),
    (InvalidToken, "secret_unreadable"),
    (BadAnswer, "bad_answer"),
    (EOFError, "closed"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "closed"),
    ((OSError, UnicodeError), "unreachable"),
]
EXPECTED = (
    targets.BadUrl,
    NotPublic,
    InvalidToken,
    BadAnswer,
    EOFError,
    OSError,
    UnicodeError,
)


async def attempt(client: Client, job: Job) -> Outcome:
    """Tries once, within WEBHOOK_TIMEOUT seconds. Raises nothing."""
    started_at, began = datetime.now(UTC), time.perf_counter()
    answer, error = None, ""
    try:
        answer = await _post(client, job)
    except EXPECTED as failure:
        error = next(word for types, word in ERRORS if isinstance(failure, types))
        if isinstance(failure, InvalidToken):  # SECRET_KEY has changed: whoever runs this must know
            logger.error(error, extra={"endpoint": ids.encode("wh", job.endpoint_id)})
    except Exhausted:
        logger.warning("connections_exhausted")
        error = "internal"
    except Exception:  # a fault of ours is an attempt as well: else it would be tried for ever
        logger.exception("attempt_broken")
        error = "internal"
    duration = round(time.perf_counter() - began, 4)
    if answer is None:
        return Outcome(job, started_at, duration, None, error)
    return _answered(job, started_at, duration, answer)


async def _post(client: Client, job: Job) -> Answer:
    target, body = targets.parse(job.url), job.body.encode()
    now = int(time.time())
    keys = keys_of(bytes(job.secret), job.old_secrets, now)
    id = ids.encode("evt", job.event_id)
    signed = (id, str(now), signing.signatures(id, now, body, keys))
    return await client.post(target, signed, body, settings.WEBHOOK_TIMEOUT)


def keys_of(secret: bytes, old_secrets: str, now: int) -> list[bytes]:
    """The newest first. Raises InvalidToken where SECRET_KEY has changed since it was made. Older
    ones that cannot be read are left out: else to rotate would help nobody for a day."""
    keys = [_key(secret)]
    for old in json.loads(old_secrets) if old_secrets != "[]" else []:
        if old["until"] > now:
            with suppress(InvalidToken):
                keys.append(_key(old["secret"].encode()))
    return keys


@lru_cache(maxsize=1024)
def _key(encrypted: bytes) -> bytes:
    return signing.key_of(decrypt(encrypted).decode())


def _answered(job: Job, started_at: datetime, duration: float, answer: Answer) -> Outcome:
    header = answer.headers.get("retry-after")
    return Outcome(
        job,
        started_at,
        duration,
        answer.status,
        response=answer.body.decode(errors="replace").replace("\0", "") if answer.body else "",
        retry_after=schedule.retry_after(header, datetime.now(UTC)) if header else None,
    )
