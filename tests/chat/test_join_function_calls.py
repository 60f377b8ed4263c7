"""Calls of functions come in pieces, and each kind of provider numbers them in its own way."""

from typing import Any

import pytest

from chat import function_calls
from chat.function_calls import MOST_CALLS, MOST_CHARACTERS, FunctionCall, TooLong, join, read

A, B = ("call_a", "f", '{"a": 1}'), ("call_b", "g", '{"b": 2}')


def delta(id: str = "", name: str = "", arguments: Any = "", **index: int) -> dict[str, Any]:
    return {**index, "id": id, "function": {"name": name, "arguments": arguments}}


WAYS = {
    "OpenAI": [
        *(delta("call_a", "f", index=0), delta(arguments='{"a":', index=0)),
        *(delta(arguments=" 1}", index=0), delta("call_b", "g", '{"b": 2}', index=1)),
    ],
    "all have the number 0": [delta(*A, index=0), delta(*B, index=0)],
    "the number 0, and in pieces": [
        *(delta("call_a", "f", '{"a": ', index=0), delta(arguments="1}", index=0)),
        *(delta("call_b", "g", index=0), delta(arguments='{"b": 2}', index=0)),
    ],
    "no numbers": [delta(*A), delta("call_b", "g", '{"b"'), delta(arguments=": 2}")],
    "the id in each piece": [
        *(delta("call_a", "f", '{"a"', index=0), delta("call_a", "", ": 1}", index=0)),
        delta(*B, index=1),
    ],
    "another id in each piece": [
        *(delta("call_a", "f", '{"a"', index=0), delta("call_x", "", ": 1}", index=0)),
        *(delta("call_b", "g", '{"b"', index=1), delta("call_y", "", ": 2}", index=1)),
    ],
    "another id in each piece, and the number 0": [
        *(delta("call_a", "f", index=0), delta("call_x", "", '{"a": 1}', index=0)),
        *(delta("call_b", "g", index=0), delta("call_y", "", '{"b": 2}', index=0)),
    ],
    "mixed": [
        *(delta("call_a", "f", index=0), delta("call_b", "g", index=1)),
        *(delta(arguments='{"a": 1}', index=0), delta(arguments='{"b": 2}', index=1)),
    ],
    "objects": [delta("call_a", "f", {"a": 1}), delta("call_b", "g", {"b": 2})],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at_once", [True, False])
def test_ways(way: str, at_once: bool) -> None:
    calls: list[FunctionCall] = []
    for some in [WAYS[way]] if at_once else [[each] for each in WAYS[way]]:
        join(calls, read(some))
    assert [(call.id, call.name, call.arguments) for call in calls] == [A, B]


def test_halves_of_an_emoji() -> None:
    pieces = [delta("a", "f", '"\ud83d', index=0), delta(arguments='\ude00"\ud83d', index=0)]
    [call] = join([], read(pieces))
    assert call.arguments == '"😀"\ufffd'


def test_there_is_an_end() -> None:
    calls = join([], read([delta(str(number), "f") for number in range(1_000)]))
    assert len(calls) == MOST_CALLS
    long = read([delta(arguments="x" * MOST_CHARACTERS)])
    with pytest.raises(TooLong):
        join(calls, long + long)


@pytest.mark.parametrize("said", [{}, "f", [{"function": {"name": 5}}], [{"id": 5}]])
def test_what_is_no_call(said: Any) -> None:
    with pytest.raises(TypeError):
        read(said)


def test_names_that_no_database_takes() -> None:
    assert function_calls.read([delta("a\0", "f\ud800")])[0].name == "f?"
