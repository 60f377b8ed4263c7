"""Public identifiers: `<prefix>_<26 characters>`, a UUIDv7 in lower-case Crockford base32."""

import os
import time
import uuid

from chatbot_project.api.errors import ResourceNotFound

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
VALUES = {character: value for value, character in enumerate(ALPHABET)}
LENGTH = 26
# Ten bits at a time: an answer encodes many, and base64's own way takes three times as long.
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
SHIFTS = range(120, -1, -10)


def uuid7() -> uuid.UUID:
    """A UUID that sorts by time (RFC 9562, section 5.7): 48 bits of milliseconds, 12 bits of their
    fraction (method 3, so that ids made in one millisecond keep their order), 62 random bits."""
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") & (2**62 - 1)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | random)


def encode(prefix: str, value: uuid.UUID) -> str:
    """`encode("chat", value)` -> `chat_01jh...`: the prefix and 26 characters."""
    number = value.int
    return f"{prefix}_{''.join([PAIRS[number >> shift & 1023] for shift in SHIFTS])}"


def decode(prefix: str, text: str) -> uuid.UUID:
    """The uuid behind a public id. Raises ResourceNotFound for what `encode` cannot have made."""
    head, _, body = text.partition("_")
    if head != prefix or len(body) != LENGTH:
        raise ResourceNotFound
    number = 0
    for character in body:
        if character not in VALUES:
            raise ResourceNotFound
        number = number << 5 | VALUES[character]
    if number >= 2**128:
        raise ResourceNotFound
    return uuid.UUID(int=number)
