"""A worker makes a chat's title from the first exchange, outside limits and quotas."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accounts.models import UsageDay
from chat.titles import cut
from tests import workers
from tests.chat.asking import ask, streaming
from tests.live import LiveAccount
from tests.upstream import Script, Upstream
from tests.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def worker(
    server_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A worker for the tests of this file; the path of its log."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with log.open("wb") as output, workers.worker(server_environment, output):
        yield log


def wait_for_title(client: httpx2.Client, chat: str, title: str) -> None:
    def titled() -> bool:
        return bool(client.get(f"/api/chat/{chat}").json()["title"] == title)

    wait_until(titled, f"the title {title!r}", limit=45)


def test_the_model_writes_it(
    client: httpx2.Client, live_owner: LiveAccount, upstream: Upstream
) -> None:
    model = upstream.model(Script(["Boiling."]), Script([' "Why  water\nboils." ']))
    chat = ask(client, model, message="Why does water boil?")["id"]
    wait_for_title(client, chat, "Why water boils")
    told = upstream.calls(model)[1].body["messages"]
    assert "Why does water boil?" in told[-1]["content"]
    assert "Boiling." in told[-1]["content"]
    assert sum(day.answers for day in UsageDay.objects.filter(owner=live_owner.user)) == 1


def test_it_is_made_once(client: httpx2.Client, upstream: Upstream) -> None:
    model = upstream.model(Script(["First."]), Script(["A title"]), Script(["Second."]))
    with streaming(client, model) as stream:
        chat = list(stream)[0].data["chat_id"]  # noqa: RUF015 - read to the end
    wait_for_title(client, chat, "A title")
    assert ask(client, model, chat=chat)["message"] == "Second."
    later = upstream.model(Script(["First."]), Script(["Another title"]))
    wait_for_title(client, ask(client, later)["id"], "Another title")
    assert len(upstream.calls(model)) == 3


def test_a_failure_leaves_the_cut_message(client: httpx2.Client, upstream: Upstream) -> None:
    failing = upstream.model(Script(["Fine."]), Script(status=401))
    chat = ask(client, failing, message="Why does water boil?")["id"]
    upstream.wait_for_call(failing, 2)
    working = upstream.model(Script(["Fine."]), Script(["A title"]))
    wait_for_title(client, ask(client, working)["id"], "A title")
    assert client.get(f"/api/chat/{chat}").json()["title"] == "Why does water boil?"


def test_a_title_of_the_owners_stays(client: httpx2.Client, upstream: Upstream) -> None:
    gate = upstream.gate()
    model = upstream.model(Script(["Fine."]), Script(["A title"], gate=gate))
    chat = ask(client, model)["id"]
    upstream.wait_for_call(model, 2)
    client.patch(f"/api/chat/{chat}", json={"title": "Mine"})
    gate.open()
    working = upstream.model(Script(["Fine."]), Script(["Another title"]))
    wait_for_title(client, ask(client, working)["id"], "Another title")
    assert client.get(f"/api/chat/{chat}").json()["title"] == "Mine"


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("  Why\n does  water boil? ", "Why does water boil?"),
        ("x" * 60, "x" * 60),
        ("word " * 20, "word word word word word word word word word word word…"),
        ("x" * 200, "x" * 59 + "…"),
    ],
)
def test_the_first_title_is_the_message_cut(message: str, title: Any) -> None:
    assert cut(message) == title
