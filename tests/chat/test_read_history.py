"""The history shows the whole of a chat, whatever became of its answers."""

import httpx2

from tests import events
from tests.chat.asking import ask, history, streaming
from tests.upstream import Script, Upstream, words

PIECES = words(20)
ANSWERS_FIELDS = {
    *("id", "role", "content", "timestamp", "status", "parent_id"),
    *("model", "provider_model", "finish_reason", "usage", "tool_calls", "sources"),
    *("error", "feedback"),
}


def test_each_message_follows_the_one_before(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script())
    chat = ask(client, model)["id"]
    ask(client, model, chat=chat)
    messages = history(client, chat)
    assert [message["parent_id"] for message in messages] == [
        None,
        *(message["id"] for message in messages[:-1]),
    ]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert set(messages[1]) == ANSWERS_FIELDS
    assert messages[1]["finish_reason"] == "stop"


def test_an_answer_cut_by_its_limit_says_so(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(finish_reason="length"))
    answer = ask(client, model, max_tokens=5)
    assert answer["finish_reason"] == "length"
    assert history(client, answer["id"])[-1]["finish_reason"] == "length"


def test_an_answer_in_the_making_is_there(client: httpx2.Client, upstream: Upstream) -> None:
    gate = upstream.gate(10)
    with streaming(client, upstream.model(Script(PIECES, gate=gate))) as stream:
        read = events.read_text(stream, 20)
        last = history(client, read[0].data["chat_id"])[-1]
        assert (last["id"], last["status"]) == (read[0].data["message_id"], "generating")
        assert last["usage"] is None
        gate.open()
        list(stream)


def test_text_comes_back_as_it_was(client: httpx2.Client, upstream: Upstream) -> None:
    text = "Zażółć 👩‍👩‍👧 \u2028\u2029\x85 <b>&amp;</b> \r\n\t \x7f ﷺ"
    model = upstream.model(Script([text]))
    answer = ask(client, model, message=text)
    assert answer["message"] == text
    with streaming(client, model, message=text) as stream:
        assert events.text_of(stream) == text
    assert [message["content"] for message in history(client, answer["id"])] == [text, text]


def test_pieces_may_break_anywhere(client: httpx2.Client, upstream: Upstream) -> None:
    """A provider may cut a surrogate pair in two, and send what no database takes."""
    pieces = ["a\0b ", "\ud83d", "\ude00 ", "\ud83d", " end"]
    with streaming(client, upstream.model(Script(pieces))) as stream:
        read = list(stream)
    text = events.text_of(read)
    assert text == "ab 😀 \ufffd end"
    assert history(client, read[0].data["chat_id"])[-1]["content"] == text
