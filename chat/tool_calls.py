"""One call of a function: understood, carried out, and kept with its answer."""

import json
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction

from accounts.models import User
from chat import lookups, tokens
from chat.function_calls import FunctionCall
from chat.models import Message, Status
from chat.tools import CREATE, READ, SEARCH, TOOLS, UPDATE, Tool
from chat.turns import Turn
from chatbot_project.api import bodies, ids
from chatbot_project.api.errors import (
    ApiError,
    InvalidRequest,
    ResourceNotFound,
)

JSON = dict[str, Any]
LONGEST_SHOWN = 500  # characters of an argument, as it is kept and shown
CHARACTERS_A_TOKEN = 16  # more than a text has
CUT = "\n[Cut: there is no room for more.]"
NO_ARGUMENTS = "{}"


class Abandoned(Exception):
    """The answer has been stopped, given up or deleted."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A call as it is meant: a tool and what it takes, or why there is none of them."""

    id: str
    name: str
    tool: Tool | None = None
    arguments: JSON = field(default_factory=dict)  # checked
    given: JSON = field(default_factory=dict)  # as the model gave them, of those that the tool has
    said: str = NO_ARGUMENTS  # the same as JSON: what was none would upset the provider
    error: ApiError | None = None

    def shown(self) -> JSON:
        arguments = {name: shortened(value) for name, value in self.given.items()}
        return {"id": self.id, "name": self.name, "arguments": arguments}


class Carried(NamedTuple):
    """How a call ended: as it is kept, and as the model is told. `room`: tokens that are left."""

    kept: JSON
    told: str
    room: int | None = None


def understand(call: FunctionCall, offered: Collection[str]) -> Understood:
    """Whatever the model has made of it."""
    text = call.arguments.strip() or NO_ARGUMENTS
    try:
        given = parse(text)
    except ApiError as error:
        return Understood(call.id, call.name, error=error)
    if call.name not in offered:
        unknown = ResourceNotFound(f"There is no such function. There are: {', '.join(offered)}.")
        return Understood(call.id, call.name, said=text, error=unknown)
    tool = TOOLS[call.name]
    shown = {name: value for name, value in given.items() if name in tool.properties}
    try:
        # What is null is left out: models fill in every argument that they know of.
        named = {name: value for name, value in shown.items() if value is not None}
        checked = bodies.validate(tool.arguments, named)
    except ApiError as error:
        return Understood(call.id, call.name, given=shown, said=text, error=error)
    return Understood(call.id, call.name, tool, checked, shown, text)


def parse(text: str) -> JSON:
    """Raises InvalidRequest."""
    if bodies.values_at_most(text) > bodies.MAX_VALUES:
        raise InvalidRequest("The arguments hold too many values.")
    value = bodies.parse(text)
    if not isinstance(value, dict):
        raise InvalidRequest("The arguments must be a JSON object.")
    bodies.check(text, value)
    return value


def shortened(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def carry_out(
    tool: Tool,
    turn: Turn,
    before: Sequence[JSON],
    answered: int,
    spent: tuple[int, int],
    meant: Understood,
    room: int,
) -> Carried:
    """Runs the tool, in a thread that may use the database, and keeps what it did.

    `answered`: of so many calls before it the model knew the results when it made this one. A
    result that there is no room for says `truncated`. Raises Abandoned, having done nothing.
    """
    try:
        with transaction.atomic() if tool.writes else nullcontext():
            owner = User.objects.get(pk=turn.owner_id)
            done = tool.run(
                owner, **meant.arguments, **_bounds(tool, turn, before, answered, meant)
            )
            told = json.dumps(done.told, ensure_ascii=False)
            text, left = fitted(told, room)
            shown = done.shown if text == told else {**done.shown, "truncated": True}
            kept = {**meant.shown(), "status": "completed", "result": shown, "error": None}
            keep(turn.answer, [*before, kept], spent)
    except ApiError as error:
        return fail(turn, before, spent, meant, error)
    return Carried(kept, text, left)


def _bounds(
    tool: Tool, turn: Turn, before: Sequence[JSON], answered: int, meant: Understood
) -> JSON:
    """What holds for a call whatever its arguments say."""
    if tool.name == SEARCH:  # the request's own filters
        return {"filters": lookups.filters_of(turn.answer.options.get("knowledge"))}
    if tool.name == UPDATE:
        return {"seen": _seen(meant.arguments["document_id"], turn, before, answered)}
    return {}


def _seen(document_id: str, turn: Turn, before: Sequence[JSON], answered: int) -> list[int]:
    """The versions of a document of which this answer's prompt has every word."""
    told = [
        call["result"]
        for number, call in enumerate(before)
        if _tells_content(call, is_answered=number < answered)
    ]
    versions = [(result["document_id"], result["version"]) for result in told]
    versions += [(each["id"], each["version"]) for each in turn.shown_whole if each["version"]]
    wanted = ids.decode("doc", document_id)
    return [version for id, version in versions if ids.decode("doc", id) == wanted]


def _tells_content(call: JSON, *, is_answered: bool) -> bool:
    """Whether a model that has made this call knows all that the document said after it: by the
    result, once it has got that, or because it wrote it."""
    if call["status"] != "completed":
        return False
    if call["name"] == READ:
        return is_answered and not call["result"].get("truncated")
    return call["name"] in (CREATE, UPDATE) and call["arguments"].get("content") is not None


def refuse(
    turn: Turn, before: Sequence[JSON], spent: tuple[int, int], meant: Understood
) -> Carried:
    """Of a call that was not understood."""
    return fail(turn, before, spent, meant, meant.error or InvalidRequest())


def fail(
    turn: Turn,
    before: Sequence[JSON],
    spent: tuple[int, int],
    meant: Understood,
    error: ApiError,
) -> Carried:
    reason = {"code": error.default_code, "message": error.message}
    kept = {**meant.shown(), "status": "failed", "result": None, "error": reason}
    keep(turn.answer, [*before, kept], spent)
    return Carried(kept, json.dumps({"error": {**reason, **error.details}}, ensure_ascii=False))


def keep(answer: Message, calls: list[JSON], spent: tuple[int, int]) -> None:
    """Stores them with the answer, and the tokens so far. Raises Abandoned."""
    writing = Message.objects.filter(pk=answer.pk, status=Status.GENERATING, stop_requested=False)
    prompt_tokens, completion_tokens = spent
    if not writing.update(
        tool_calls=calls, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens
    ):
        raise Abandoned


def fitted(told: str, room: int) -> tuple[str, int]:
    """As much of a result as there is room for, and the room after it."""
    if not room:
        return CUT.strip(), 0
    text = tokens.cut(told[: room * CHARACTERS_A_TOKEN], room)
    left = max(0, room - tokens.count(text))
    return (text, left) if text == told else (text + CUT, 0)
