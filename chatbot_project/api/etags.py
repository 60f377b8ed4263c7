"""ETags of single resources: strong, because If-Match (RFC 9110, 13.1.1) compares strongly."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

from chatbot_project.api.errors import PreconditionFailed


def tag(content: bytes | str) -> str:
    """The quoted ETag of a representation, or of whatever text stands for its version."""
    data = content if isinstance(content, bytes) else content.encode()
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """`response` with its ETag, or 304 where the client has it already (If-None-Match)."""
    if response.status_code != 200:
        return response
    response.headers.setdefault("ETag", tag(response.content))
    etag = response.headers["ETag"]
    wanted = [opaque(item) for item in parse_etags(request.headers.get("If-None-Match", ""))]
    if etag not in wanted and "*" not in wanted:
        return response
    unchanged = HttpResponse(status=304, headers=response.headers)
    del unchanged.headers["Content-Type"]  # there is no content
    unchanged.cookies = response.cookies
    return unchanged


def opaque(etag: str) -> str:
    """Weak comparison (RFC 9110, 8.8.3.2), for If-None-Match."""
    return etag.removeprefix("W/")


def require_match(request: HttpRequest, current: str) -> None:
    """Raises PreconditionFailed when If-Match names other versions than `current`."""
    header = request.headers.get("If-Match")
    if header is None:
        return
    wanted = parse_etags(header)
    if current not in wanted and "*" not in wanted:
        raise PreconditionFailed
