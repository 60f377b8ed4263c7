"""Signatures of Standard Webhooks: https://www.standardwebhooks.com, symmetric, version v1."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable
from functools import lru_cache

PREFIX = "whsec_"
SHORTEST_SECRET, LONGEST_SECRET = 8, 256  # characters
SHORTEST_KEY = 16  # bytes, of a secret in base64
MADE_BYTES = 32


def make_secret() -> str:
    """A new secret in the form the official libraries take: `whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(MADE_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The HMAC key: what `whsec_` says in base64; of any other secret its UTF-8 bytes.

    Raises ValueError for a `whsec_` that is not base64 or stands for less than 16 bytes.
    """
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:  # binascii.Error is one; what is not ASCII is another
        raise ValueError("After whsec_ must come base64.") from None
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"After whsec_ must come {SHORTEST_KEY} bytes or more, in base64.")
    return key


def signatures(message_id: str, timestamp: int, body: bytes, keys: Iterable[bytes]) -> str:
    """The header `webhook-signature`, with one signature for each key, separated by spaces.

    `timestamp`: of this attempt, seconds since 1970. Receivers refuse old ones.
    """
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return " ".join([_signature(key, signed) for key in keys])


def _signature(key: bytes, signed: bytes) -> str:
    keyed = _keyed(key).copy()
    keyed.update(signed)
    return f"v1,{binascii.b2a_base64(keyed.digest(), newline=False).decode()}"


@lru_cache(maxsize=1024)
def _keyed(key: bytes) -> hmac.HMAC:
    """Ready for a message. `hmac.digest` lets go of the interpreter and waits to have it back."""
    return hmac.new(key, digestmod="sha256")
