"""A tier says how many answers an account may have written at once, and tokens a month."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

from tests.chat.asking import ask, error_of, history
from tests.live import LiveAccount
from tests.servers import Server
from tests.upstream import Script, Upstream, words

PIECES = words(6)
MakeAccount = Callable[..., LiveAccount]


def test_exactly_so_many_at_once_over_two_servers(
    two_servers: tuple[Server, Server], make_account: MakeAccount, upstream: Upstream
) -> None:
    account = make_account(concurrent_answers=3)
    clients = [account.client(server) for server in two_servers]
    gate = upstream.gate()
    model = upstream.model(Script(PIECES, gate=gate))
    asked = {"message": "Hello", "model": model}
    with ThreadPoolExecutor(12) as pool:
        calls = [
            pool.submit(clients[index % 2].post, "/api/chat", json=asked) for index in range(12)
        ]
        refused = [call.result() for call in islice(as_completed(calls, 30), 9)]
        gate.open()
        answers = [call.result() for call in calls if call.result() not in refused]
    assert [answer.status_code for answer in answers] == [200] * 3
    for response in refused:
        assert response.status_code == 429
        error = error_of(response)
        assert error["code"] == "RATE_LIMITED"
        assert (error["details"]["quota"], error["details"]["limit"]) == ("concurrent_answers", 3)
        assert int(response.headers["Retry-After"]) >= 1
    assert clients[0].get("/api/chat").json()["total"] == 3
    assert ask(clients[0], model)["message"] == "".join(PIECES)


def test_the_month_s_tokens(daphne: Server, make_account: MakeAccount, upstream: Upstream) -> None:
    client = make_account(tokens_per_month=10).client(daphne)
    model = upstream.model(Script(PIECES))
    chat = ask(client, model, message="One two three four")["id"]  # 4 and 6 tokens
    asked = {"message": "Hello", "model": model}
    for path in ("/api/chat", f"/api/chat/{chat}/messages"):
        response = client.post(path, json=asked)
        assert response.status_code == 403
        error = error_of(response)
        assert error["code"] == "QUOTA_EXCEEDED"
        assert (error["details"]["limit"], error["details"]["used"]) == (10, 10)
        assert error["details"]["resets_at"].endswith("-01T00:00:00Z")
    assert len(history(client, chat)) == 2
    assert len(upstream.calls(model)) == 1
