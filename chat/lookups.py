"""What a request's `knowledge` asks for: `false` for nothing, `true` or filters for a look.

Absent, it is true for whoever may read knowledge.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from accounts.models import ApiKey
from chat import catalog, questions
from chat.models import Message, Role
from chat.turns import Lookup
from chatbot_project.api.errors import InsufficientPermissions, InvalidRequest
from knowledge.filters import Filters
from knowledge.models import audiences_of
from knowledge.serializers import FiltersSerializer

SCOPE = "knowledge:read"

Choice = bool | dict[str, Any] | None


def check(choice: Choice, model: catalog.Model, key: ApiKey | None) -> None:
    """Raises InsufficientPermissions where knowledge is asked for that the key may not read, and
    InvalidRequest where a model that has nothing else is to do without."""
    extractive = model.name == catalog.EXTRACTIVE
    if extractive and choice is False:
        reason = f"The model {model.name} needs it, beside what is attached."
        raise InvalidRequest(invalid_fields={"knowledge": [reason]})
    if (choice or extractive or isinstance(choice, dict)) and not may_read(key):
        raise InsufficientPermissions(f"This key lacks the scope {SCOPE}.", required_scope=SCOPE)


def may_read(key: ApiKey | None) -> bool:
    return key is None or key.scopes is None or SCOPE in key.scopes


def of(answer: Message, owner_id: UUID, branch: Iterable[Message]) -> Lookup | None:
    """What to look up for `answer`, the next after `branch`. None: nothing."""
    choice: Choice = answer.options.get("knowledge")
    if choice is False or not may_read(answer.api_key):
        return None
    asked = [message.content for message in branch if message.role == Role.USER]
    return Lookup(audiences_of(owner_id), questions.searched(asked), filters_of(choice))


def filters_of(choice: Choice) -> Filters:
    if not isinstance(choice, dict):
        return Filters()
    return Filters(**FiltersSerializer().run_validation(choice))
