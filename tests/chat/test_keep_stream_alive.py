"""While a model thinks, comments keep the line to the reader open; when it speaks, text does."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from chat import answers, sse
from chat.answers import Answer
from chat.models import Chat, Message, Role

PROMISED_SECONDS = 0.025  # that no piece of text waits longer


@pytest.fixture
def answer() -> Answer:
    return Answer(Message(chat=Chat(), role=Role.ASSISTANT), streamed=True)


async def test_comments_come_while_nothing_else_does(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "KEEP_ALIVE_SECONDS", 0.01)
    reading = answer.read()
    assert [await anext(reading) for _ in range(3)] == [sse.KEEP_ALIVE] * 3
    answer.add("Hello")
    assert b'"Hello"' in await anext(reading)
    assert await anext(reading) == sse.KEEP_ALIVE
    answer.end({"type": "done"})
    assert [chunk async for chunk in reading] == [answer.events[-1]]


def test_they_come_often_enough() -> None:
    assert answers.KEEP_ALIVE_SECONDS <= 15
    assert sse.KEEP_ALIVE.startswith(b":")
    assert sse.KEEP_ALIVE.endswith(b"\n\n")


async def test_the_first_piece_is_not_held_back(answer: Answer) -> None:
    answer.add("Hello")
    assert len(answer.events) == 1


async def test_what_comes_together_is_sent_together(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()  # it stands still: however slow this machine is, they come together
    monkeypatch.setattr(answers, "time", SimpleNamespace(monotonic=lambda: now))
    for piece in ("One ", "two ", "three ", "four"):
        answer.add(piece)
    reading = answer.read()
    assert b'"One "' in await anext(reading)
    assert b'"two three four"' in await anext(reading)
    assert answers.GATHER_SECONDS <= PROMISED_SECONDS


async def test_the_end_waits_for_no_gathering(answer: Answer) -> None:
    answer.add("One ")
    answer.add("two")
    answer.flush()
    answer.end({"type": "done"})
    assert b"".join([chunk async for chunk in answer.read()]).count(b"data:") == 3
    assert answer.text == "One two"
    await asyncio.sleep(0)
    assert len(answer.events) == 3
