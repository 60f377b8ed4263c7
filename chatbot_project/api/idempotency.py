"""Idempotency-Key: a POST that is sent again is answered again, not done again.

The middleware calls `claim` before the view and `keep` after it. A view whose work outlives the
request calls `attach`; one that knows its fingerprint only after reading the body, as uploads do,
calls `claim_with`.
"""

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve

from chatbot_project.api.encryption import InvalidToken, decrypt, encrypt
from chatbot_project.api.errors import Conflict, IdempotencyMismatch, InvalidRequest
from chatbot_project.api.models import IdempotencyKey
from chatbot_project.api.permissions import authorize
from chatbot_project.api.requests import Answered, ApiRequest, state_of

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=30)
RENEWAL = 10.0  # seconds: an owner that lives renews its lease three times before it runs out
PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")
REPLAYED = {"Idempotency-Replayed": "true"}

Reference = dict[str, Any]  # to what a request has made, of which `settings.API_REPLAY` tells


@dataclass(slots=True)
class Claim:
    """This request's hold on its key, and whether something that outlives it is attached."""

    pk: int
    token: uuid.UUID
    attached: bool = False

    def row(self) -> models.QuerySet[IdempotencyKey]:
        """The row, while it is still this request's."""
        return IdempotencyKey.objects.filter(pk=self.pk, token=self.token)


def claim(request: ApiRequest) -> Reference | None:
    """Takes hold of the request's key, if it has one: `request.api.claim`.

    Returns what an earlier request attached. Raises Answered with the answer that was stored,
    Conflict while the first request is at work, IdempotencyMismatch for another body.
    """
    header = key_of(request)
    if header is None or request.caller is None:
        return None
    if not PRINTABLE.fullmatch(header):
        reason = "Must be 1 to 255 printable ASCII characters."
        raise InvalidRequest(invalid_fields={"Idempotency-Key": [reason]})
    request.api.idempotency_key = header
    if request.content_type == "multipart/form-data":
        return None  # the same fields under another boundary are the same: the view will say
    return claim_with(request, fingerprint_of(request))


def key_of(request: HttpRequest) -> str | None:
    """As it was sent."""
    return request.META.get("HTTP_IDEMPOTENCY_KEY") if request.method == "POST" else None


def fingerprint_of(request: HttpRequest) -> bytes:
    return hashlib.sha256((request.content_type or "").encode() + b"\0" + request.body).digest()


def claim_with(request: ApiRequest, fingerprint: bytes) -> Reference | None:
    """`claim` with a fingerprint of the view's own (32 bytes). Without a key, it does nothing."""
    state = request.api
    if state.idempotency_key is None or request.caller is None:
        return None
    named = f"{request.method}\0{request.path}\0{state.idempotency_key}".encode()
    mine = IdempotencyKey(
        account_id=request.caller.account_id,
        digest=hashlib.sha256(named).digest(),
        fingerprint=fingerprint,
        token=uuid.uuid4(),
        locked_until=Now() + LEASE,
    )
    IdempotencyKey.objects.bulk_create([mine], ignore_conflicts=True)
    same = IdempotencyKey.objects.filter(account_id=mine.account_id, digest=mine.digest)
    found = same.annotate(now=Now()).first()
    if found is None:  # its owner has given it up in this very moment
        raise in_flight()
    if found.token != mine.token:
        if earlier := outcome_of(found, mine, request):
            return earlier
        take_over(found, mine)
    state.claim = Claim(found.pk, mine.token)
    return None


def outcome_of(found: Any, mine: IdempotencyKey, request: HttpRequest) -> Reference | None:
    """What became of the request that came first. None: nothing, and its key is free again."""
    now: datetime = found.now
    if found.created_at < now - KEPT:
        return None
    if bytes(found.fingerprint) != mine.fingerprint:
        raise IdempotencyMismatch
    if found.status is not None:
        require_scope(request)
        raise Answered(stored_response(found))
    if found.reference is not None:
        require_scope(request)
        reference: Reference = found.reference
        return reference
    if found.locked_until > now:
        raise in_flight()
    return None


def in_flight() -> Conflict:
    message = "The first request with this Idempotency-Key is still being worked on."
    return Conflict(message, headers={"Retry-After": "1"})


def require_scope(request: HttpRequest) -> None:
    """Another key of the same account may repeat a call only if it could have made it."""
    view = getattr(resolve(request.path_info).func, "cls", None)
    if view is not None:
        authorize(request, view)


def take_over(found: IdempotencyKey, mine: IdempotencyKey) -> None:
    """Makes `found` ours. Raises Conflict when another request was faster."""
    taken = IdempotencyKey.objects.filter(pk=found.pk, token=found.token).update(
        token=mine.token,
        fingerprint=mine.fingerprint,
        locked_until=Now() + LEASE,
        created_at=Now(),
        reference=None,
        status=None,
        body=None,
    )
    if not taken:
        raise in_flight()


def stored_response(found: IdempotencyKey) -> HttpResponse:
    """Raises Conflict when SECRET_KEY has changed since: nobody can read the answer any more."""
    try:
        body = decrypt(bytes(found.body or b""))
    except InvalidToken:
        raise Conflict("The answer to the first request can no longer be read.") from None
    return HttpResponse(body, status=found.status, headers={**found.headers, **REPLAYED})


def attach(request: HttpRequest, reference: Reference) -> None:
    """Ties the request's key, if any, to what it has made, best in the transaction that makes it.

    From then on a repeated call is answered by `settings.API_REPLAY(request, reference)`, even if
    this one never ends. Raises Conflict when the key is no longer this request's.
    """
    state = state_of(request)
    if state is None or state.claim is None:
        return
    if not state.claim.row().update(reference=reference):
        raise in_flight()
    state.claim.attached = True


def renew(claim: Claim) -> None:
    claim.row().update(locked_until=Now() + LEASE)


def keep(claim: Claim, response: HttpResponseBase) -> None:
    """Stores the answer. Errors free the key: nothing was done, or doing it again is what helps.

    Where something is attached, it is what a repeated call is answered with, whatever became of it:
    it was done once. No copy of it must be left here when it has been deleted.
    """
    if response.status_code >= 400:
        release(claim)
    elif claim.attached:
        return
    elif isinstance(response, HttpResponse):
        headers = {name: value for name, value in response.headers.items() if name != "Set-Cookie"}
        body = encrypt(response.content)
        claim.row().update(status=response.status_code, headers=headers, body=body)
    else:  # a stream that nothing is left of
        release(claim)


def release(claim: Claim) -> None:
    """Gives the key up, unless something is attached to it."""
    claim.row().filter(reference__isnull=True).delete()
