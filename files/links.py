"""Links to a file's bytes that work without a key, for a day."""

import time

from django.conf import settings
from django.core.signing import BadSignature, Signer

HOUR = 3600  # seconds
LIFETIME = 24  # hours, at least
SIGNER = "files.links"


def signed(public_id: str) -> str:
    """They expire on the hour: within one, a file's link stays the same, and its ETag with it."""
    expires = (int(time.time()) // HOUR + LIFETIME + 1) * HOUR
    signature = Signer(salt=SIGNER).signature(text_of(public_id, expires))
    path = f"/api/files/{public_id}/download"
    return f"{settings.PUBLIC_URL}{path}?expires={expires}&signature={signature}"


def is_valid(public_id: str, expires: str, signature: str) -> bool:
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
        return False
    if int(expires) <= time.time():
        return False
    try:
        Signer(salt=SIGNER).unsign(f"{text_of(public_id, int(expires))}:{signature}")
    except BadSignature:
        return False
    return True


def text_of(public_id: str, expires: int) -> str:
    return f"{public_id} {expires}"
