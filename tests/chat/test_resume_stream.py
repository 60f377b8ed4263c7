"""A reader that lost its connection, or came late, gets every piece of the answer exactly once."""

import httpx2
import redis

from tests import events
from tests.chat.asking import history, resuming, streaming
from tests.upstream import Script, Upstream, words

PIECES = words(40)
TEXT = "".join(PIECES)
Clients = tuple[httpx2.Client, httpx2.Client]


def test_it_misses_and_repeats_nothing(clients: Clients, upstream: Upstream) -> None:
    writing, reading = clients
    gate = upstream.gate(10)
    model = upstream.model(Script(PIECES, gate=gate))
    with streaming(writing, model) as stream:
        first = events.read_text(stream, len("".join(PIECES[:10])))
    chat = first[0].data["chat_id"]
    gate.let(10)
    with resuming(reading, chat, first[-1].id) as stream:
        second = events.read_text(stream, len("".join(PIECES[10:20])))
    gate.open()
    with resuming(reading, chat, second[-1].id) as stream:
        third = list(stream)
    assert events.text_of([*first, *second, *third]) == TEXT
    assert third[-1].type == "done"
    ids = [event.id for event in (*first, *second, *third)]
    assert len(set(ids)) == len(ids)


def test_it_resumes_from_every_event(clients: Clients, upstream: Upstream) -> None:
    writing, reading = clients
    gate = upstream.gate()
    model = upstream.model(Script(PIECES[:5], gate=gate))
    everything = []
    with streaming(writing, model) as stream:
        everything.append(next(stream))
        for piece in PIECES[:5]:
            gate.let(1)
            everything += events.read_text(stream, len(piece))
        gate.open()
        everything += stream
    chat = everything[0].data["chat_id"]
    for index, event in enumerate(everything):
        with resuming(reading, chat, event.id) as stream:
            rest = list(stream)
        assert events.text_of(rest) == events.text_of(everything[index + 1 :])
        if event.type != "done":
            assert rest[-1].data == everything[-1].data


def test_a_second_reader_joins(clients: Clients, upstream: Upstream) -> None:
    writing, reading = clients
    gate = upstream.gate(10)
    model = upstream.model(Script(PIECES, gate=gate))
    with streaming(writing, model) as stream:
        first = events.read_text(stream, len("".join(PIECES[:10])))
        with resuming(reading, first[0].data["chat_id"]) as joined:
            second = events.read_text(joined, len("".join(PIECES[:10])))
            gate.open()
            second += joined
        first += stream
    assert events.text_of(first) == events.text_of(second) == TEXT
    assert [first[0].data, first[-1].data] == [second[0].data, second[-1].data]


def test_the_answer_is_written_without_a_reader(clients: Clients, upstream: Upstream) -> None:
    writing, reading = clients
    gate = upstream.gate(1)
    model = upstream.model(Script(PIECES, gate=gate))
    with streaming(writing, model) as stream:
        chat = events.read_text(stream, 1)[0].data["chat_id"]
    gate.open()
    with resuming(reading, chat) as stream:
        assert events.text_of(stream) == TEXT
    saved = history(reading, chat)[-1]
    assert (saved["status"], saved["content"]) == ("completed", TEXT)


def test_it_resumes_after_the_events_are_gone(
    clients: Clients, upstream: Upstream, empty_redis: redis.Redis
) -> None:
    writing, reading = clients
    gate = upstream.gate(10)
    model = upstream.model(Script(PIECES, gate=gate))
    with streaming(writing, model) as stream:
        first = events.read_text(stream, len("".join(PIECES[:10])))
        gate.open()
        list(stream)
    empty_redis.flushdb()
    with resuming(reading, first[0].data["chat_id"], first[-1].id) as stream:
        assert events.text_of([*first, *stream]) == TEXT


def test_nothing_comes_after_the_end(clients: Clients, upstream: Upstream) -> None:
    writing, reading = clients
    with streaming(writing, upstream.model(Script(PIECES))) as stream:
        first = list(stream)
    chat = first[0].data["chat_id"]
    with resuming(reading, chat) as stream:
        second = list(stream)
    assert second[-1].data == first[-1].data
    with resuming(reading, chat, second[-1].id) as stream:
        assert list(stream) == []
