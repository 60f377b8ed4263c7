"""Request bodies: JSON objects that PostgreSQL can hold, and everything else refused by name."""

import asyncio
import json
import math
from collections.abc import Iterator
from functools import cache
from typing import IO, Any, NoReturn

from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.parsers import BaseParser

from chatbot_project.api.errors import InvalidRequest, UnsupportedMediaType
from chatbot_project.api.errors_handler import invalid_fields

MAX_DEPTH = 100
# JSON is read in one go that no other thread interrupts: this many values take 50 ms.
MAX_VALUES = 100_000
SMALL = 65_536  # bytes that the event loop may read itself
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}


async def read(request: HttpRequest) -> dict[str, Any]:
    """`read_json` for the event loop: a large body is read in a thread."""
    if is_small(request):
        return read_json(request)
    return await asyncio.to_thread(read_json, request)


async def validated(
    request: HttpRequest, serializer_class: type[serializers.Serializer[Any]]
) -> dict[str, Any]:
    """What the serializer makes of the body, read as by `read`. Raises what `validate` does too."""
    if is_small(request):
        return validate(serializer_class, read_json(request))
    return await asyncio.to_thread(lambda: validate(serializer_class, read_json(request)))


def is_small(request: HttpRequest) -> bool:
    length = str(request.META.get("CONTENT_LENGTH", ""))
    return length.isdecimal() and int(length) <= SMALL


def read_json(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body; `{}` for an empty one.

    Raises InvalidRequest (not JSON, not an object, NUL, lone surrogates, nested deeper than 100,
    more than 100,000 values, NaN, bad UTF-8), UnsupportedMediaType (another content type or
    charset, compressed), RequestDataTooBig.
    """
    body = request.body
    if not body:
        return {}
    require_json(request)
    text = as_text(body)
    if values_at_most(text) > MAX_VALUES:
        raise InvalidRequest(f"The body holds more than {MAX_VALUES} values.")
    value = parse(text)
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    check(text, value)
    return value


def require_json(request: HttpRequest) -> None:
    content_type = request.content_type or ""
    if content_type != "application/json":
        raise UnsupportedMediaType
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    charset = (request.content_params or {}).get("charset", "utf-8").strip("\"' ").lower()
    if charset not in CHARSETS:
        raise UnsupportedMediaType("Send JSON in UTF-8: this charset is not supported.")


def as_text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The body is not UTF-8: see byte {error.start}.") from None


def values_at_most(text: str) -> int:
    """How many lists, objects and members JSON text can hold: exact only where it seems many."""
    if (count := marks(text)) <= MAX_VALUES:
        return count
    bare = text.replace("\\\\", "").replace('\\"', "")  # so that each quote begins or ends a string
    if (quotes := bare.count('"')) > 4 * MAX_VALUES:  # more than a name and a text for each
        return quotes
    return sum(map(marks, bare.split('"')[::2]))


def marks(text: str) -> int:
    return text.count("[") + text.count("{") + text.count(",")


def parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=refuse_constant, parse_float=finite)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InvalidRequest(f"The body is not valid JSON: see {where}.") from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:  # an integer of more digits than Python converts
        raise InvalidRequest("The body holds a number that is too long.") from None


def refuse_constant(name: str) -> NoReturn:
    raise InvalidRequest(f"{name} is not valid JSON.")


def finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise InvalidRequest("The body holds a number that is too large.")
    return value


def too_deep() -> InvalidRequest:
    return InvalidRequest(f"The body is nested deeper than {MAX_DEPTH} levels.")


def check(text: str, value: Any) -> None:
    """Looks closer only where the text gives a reason to."""
    if text.count("[") + text.count("{") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        raise too_deep()
    if "\\u" not in text:  # NUL and surrogates can only come as escapes: the text is strict UTF-8
        return
    for string in strings(value):
        if "\0" in string:
            raise InvalidRequest("The body holds a NUL character (\\u0000).")
        if not encodable(string):
            raise InvalidRequest("The body holds half of a surrogate pair.")


def encodable(string: str) -> bool:
    try:
        string.encode()
    except UnicodeEncodeError:
        return False
    return True


def deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [child for parent in level for child in children(parent)]
        if not level:
            return False
    return True


def children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, keys too."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


@cache
def validator(serializer_class: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """One instance serves every call: making one copies all its fields, half a millisecond."""
    return serializer_class()


def validate(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """What the serializer makes of `data`. Raises InvalidRequest with the fields it names."""
    try:
        return dict(validator(serializer_class).run_validation(data))
    except serializers.ValidationError as error:
        raise invalid_fields(error.detail, error.get_codes()) from None


class JSONParser(BaseParser):
    """REST framework's door to `read_json`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> dict[str, Any]:
        return read_json(parser_context["request"]._request)
