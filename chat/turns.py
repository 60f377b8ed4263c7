"""A question on its way to its answer, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import ApiKey, User
from chat.models import Message, Status
from chat.providers import Prompt
from knowledge.filters import Filters


@dataclass(frozen=True, slots=True)
class Asker:
    user: User
    key: ApiKey | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """What to look for in the knowledge base, with the eyes of `readers`."""

    readers: Sequence[UUID]
    question: str
    filters: Filters


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that has been stored, and what is needed to write its answer."""

    answer: Message  # stored, empty as yet
    owner_id: UUID
    prompt: Prompt  # of more than the context holds, until it is cut to that
    first: bool  # the first exchange of its chat
    lookup: Lookup | None = None  # None: there is nothing to find, or it is not wanted
    # What is attached to the questions so far, whose texts the prompt has yet to get.
    attached: Sequence[dict[str, Any]] = ()
    shown_whole: Sequence[dict[str, Any]] = ()  # those of them of which the prompt has every word


class Outcome(NamedTuple):
    """How an answer ended. Token counts are None where the provider sent none."""

    status: Status
    text: str
    error: str = ""  # an error code of the API
    finish_reason: str = ""
    provider_model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    spent: tuple[int, int] = (0, 0)  # the same of earlier calls to the model, for this answer
    begun: int = 0  # where the text of the last call begins
