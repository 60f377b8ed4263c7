"""Links to a file's bytes that work without a key, for a day."""

import time

from django.conf import settings
from django.core.signing import BadSignature, Signer

from knowledge.models import Visibility

HOUR = 3600  # seconds
LIFETIME = 24  # hours, at least
SIGNER = "files.links"


def signed(public_id: str, visibility: str) -> str:
    """They expire on the hour: within one, a file's link stays the same, and its ETag with it."""
    expires = (int(time.time()) // HOUR + LIFETIME + 1) * HOUR
    signature = Signer(salt=SIGNER).signature(text_of(public_id, visibility, expires))
    path = f"/api/files/{public_id}/download"
    return f"{settings.PUBLIC_URL}{path}?expires={expires}&signature={signature}"


def visibility_of(public_id: str, expires: str, signature: str) -> str | None:
    """What the file was when the link was made. None: it is no link, or works no more."""
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
        return None
    if int(expires) <= time.time():
        return None
    for visibility in Visibility.values:
        try:
            Signer(salt=SIGNER).unsign(
                f"{text_of(public_id, visibility, int(expires))}:{signature}"
            )
        except BadSignature:
            continue
        return visibility
    return None


def text_of(public_id: str, visibility: str, expires: int) -> str:
    return f"{public_id} {visibility} {expires}"
