"""What the API's middleware leaves on every request, for those who read it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse

from chatbot_project.api.callers import Caller

if TYPE_CHECKING:
    from chatbot_project.api.idempotency import Claim
    from chatbot_project.api.limits import Usage

API_PREFIX = "/api/"
CHECKS = ("/healthz", "/readyz")


def is_api(path: str) -> bool:
    return path.startswith(API_PREFIX) or path == "/api"


def is_page(path: str) -> bool:
    """Needs sessions, CSRF and what else Django does for people."""
    return not is_api(path) and path not in CHECKS


@dataclass(slots=True)
class State:
    """Kept as `request.api`: everything about the call that outlives one step of it."""

    request_id: str
    started: float  # time.perf_counter()
    usage: "Usage | None" = None
    claim: "Claim | None" = None
    idempotency_key: str | None = None


class ApiRequest(HttpRequest):
    """For annotations: a request that has passed the middleware."""

    caller: Caller | None
    api: State


def caller_of(request: HttpRequest) -> Caller | None:
    return getattr(request, "caller", None)


def state_of(request: HttpRequest) -> State | None:
    return getattr(request, "api", None)


class Answered(Exception):
    """The call has been answered before: `response` stands for it."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response
