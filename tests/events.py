"""Reading the server-sent events of an answer as a client does."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass(frozen=True)
class Event:
    id: str
    data: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.data["type"])


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Events as they arrive; comments are passed over."""
    id = data = ""
    for line in lines:
        name, _, value = line.partition(":")
        if name == "id":
            id = value.removeprefix(" ")
        elif name == "data":
            data = value.removeprefix(" ")
        elif not line and data:
            yield Event(id, json.loads(data))
            data = ""


def stream(response: httpx2.Response) -> Iterator[Event]:
    """The events of an open response, which has to be a stream and a success."""
    if response.status_code != 200:
        raise AssertionError(f"{response.status_code}: {response.read().decode()}")
    assert response.headers["content-type"].startswith("text/event-stream")
    return parse(response.iter_lines())


def text_of(events: Iterable[Event]) -> str:
    return "".join(event.data["content"] for event in events if event.type == "text")


def read_text(events: Iterator[Event], length: int) -> list[Event]:
    """Reads on until `length` characters of text have come; further events stay unread."""
    read: list[Event] = []
    while len(text_of(read)) < length:
        read.append(next(events))
    return read
