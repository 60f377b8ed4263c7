"""The text of an API key: `cb_live_`, 32 random base62 characters, 6 of their CRC32."""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "cb_live_"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6
PATTERN = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{RANDOM_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")


def make() -> str:
    """A new secret with 190 bits of chance in it."""
    body = "".join(secrets.choice(BASE62) for _ in range(RANDOM_LENGTH))
    return f"{PREFIX}{body}{checksum(body)}"


def checksum(body: str) -> str:
    """The CRC32 of `body` in base62, six characters, as GitHub's tokens carry it."""
    number = zlib.crc32(body.encode())
    characters = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(BASE62))
        characters.append(BASE62[digit])
    return "".join(reversed(characters))


def parse(secret: str) -> bytes | None:
    """The hash of a well-formed secret; None for what `make` cannot have made."""
    match = PATTERN.fullmatch(secret)
    if match is None or checksum(match[1]) != match[2]:
        return None
    return hash_of(secret)


def hash_of(secret: str) -> bytes:
    """SHA-256, 32 bytes. No salt or stretching: nobody guesses 190 random bits."""
    return hashlib.sha256(secret.encode()).digest()
