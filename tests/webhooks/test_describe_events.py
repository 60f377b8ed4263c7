"""Every type of event is told of, with the same example, wherever people and programs look."""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from standardwebhooks import Webhook

from tests.servers import PROJECT
from tests.webhooks.conftest import JAVASCRIPT
from webhooks import signing
from webhooks.catalogue import CATALOGUE, example_of

SECRETS = ["your_webhook_secret", signing.make_secret()]
TRY = """\
import { receive } from "./receive.mjs";
const [body, headers] = process.argv.slice(2);
const statuses = [body, `${body} `].map((each) => receive(each, JSON.parse(headers)));
console.log(JSON.stringify(statuses));
"""
ARTICLE = PROJECT / "templates" / "help" / "webhooks.md"
REFERENCE_TYPES = {
    "chat.message",
    "chat.completed",
    "document.created",
    "document.updated",
    "file.uploaded",
    "file.processed",
    "knowledge.added",
}
CUT = {"chat.completed", "document.created", "document.updated", "knowledge.added"}


@pytest.fixture(scope="module")
def article() -> str:
    return ARTICLE.read_text()


def blocks(article: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", article, re.DOTALL)


def test_the_catalogue_is_the_references() -> None:
    assert set(CATALOGUE) == REFERENCE_TYPES


def test_the_reference_prints_this_payload() -> None:
    data = CATALOGUE["chat.message"].data
    assert list(data) == ["chat_id", "message_id", "user_id", "content", "role"]


def test_the_help_article(article: str) -> None:
    examples = [json.loads(block) for block in blocks(article, "json")]
    assert examples == [example_of(type) for type in CATALOGUE]
    for type, event in CATALOGUE.items():
        assert f"### {type}\n\n{event.summary}\n" in article


def test_the_schema(db: None, client: Client) -> None:
    described: dict[str, Any] = client.get("/api/schema").json()["webhooks"]
    assert set(described) == set(CATALOGUE)
    for type, item in described.items():
        content = item["post"]["requestBody"]["content"]["application/json"]
        assert content["example"] == example_of(type)
        data = content["schema"]["properties"]["data"]
        assert ("truncated" in data["properties"]) == (type in CUT)
        assert "truncated" not in data["required"]
        assert {p["name"] for p in item["post"]["parameters"]} == {
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        }


@pytest.mark.parametrize("secret", SECRETS, ids=["plain", "made"])
def test_the_articles_python_works(
    article: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    names: dict[str, Any] = {}
    exec(blocks(article, "python")[0], names)
    assert isinstance(names["webhook"], Webhook)
    body, headers = signed(secret)
    assert names["receive"](body, headers) == 204
    assert names["receive"](body + b" ", headers) == 400


@pytest.mark.parametrize("secret", SECRETS, ids=["plain", "made"])
def test_the_articles_javascript_works(
    article: str, secret: str, tmp_path: Path, javascript_library: None
) -> None:
    (tmp_path / "receive.mjs").write_text(blocks(article, "javascript")[0])
    (tmp_path / "try.mjs").write_text(TRY)
    (tmp_path / "node_modules").symlink_to(JAVASCRIPT / "node_modules")
    body, headers = signed(secret)
    done = subprocess.run(
        ["node", "try.mjs", body.decode(), json.dumps(headers)],
        cwd=tmp_path,
        env={**os.environ, "WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [204, 400]


def signed(secret: str) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(example_of("chat.message")).encode()
    now = int(time.time())
    signatures = signing.signatures("evt_1", now, body, [signing.key_of(secret)])
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return body, dict(zip(names, ("evt_1", str(now), signatures), strict=True))
