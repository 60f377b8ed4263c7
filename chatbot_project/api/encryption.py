"""Encryption at rest, keyed from SECRET_KEY (Fernet: AES-128-CBC with HMAC-SHA-256)."""

import base64
import hashlib
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

__all__ = ["InvalidToken", "decrypt", "encrypt"]


@cache
def _fernet(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_key(secret)) for secret in secrets])


def _key(secret: str) -> bytes:
    digest = hashlib.sha256(b"chatbot_project.api.encryption:" + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest)


def _secrets() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


def encrypt(data: bytes) -> bytes:
    return _fernet(_secrets()).encrypt(data)


def decrypt(token: bytes) -> bytes:
    """Raises InvalidToken when none of SECRET_KEY and SECRET_KEY_FALLBACKS made it."""
    return _fernet(_secrets()).decrypt(token)
