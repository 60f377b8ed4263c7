"""Whatever a generator makes of the description, the API answers as it says it does.

Fixed seed. The server asks a scripted model, and the account's limits are out of reach.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.live import LiveAccount
from tests.servers import Server

SEED = 20250106
EXAMPLES = 12  # of each operation and mode, by strangers' ids and by the account's own
TIMEOUT = 20  # seconds

load_all_checks()
CHOSEN = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
    ]
)
SCHEMA = CHECKS.get_by_names(["response_schema_conformance"])


@pytest.fixture
def described(daphne: Server, live_owner: LiveAccount) -> Any:
    return schemathesis.openapi.from_dict(live_owner.client(daphne).get("/api/schema").json())


@pytest.fixture
def own_ids(daphne: Server, live_owner: LiveAccount) -> Any:
    """Makes a chat with an answer, a document, a file and a note, for the path of a request."""
    client = live_owner.client(daphne)

    def make() -> dict[str, str | int]:
        answer = client.post("/api/chat", json={"message": "Hello"}).json()
        document = client.post("/api/documents", json={"title": "Plan", "content": "one"}).json()
        note = client.post("/api/knowledge", json={"content": "A valve."}).json()
        file = client.post("/api/files/upload", files={"file": b"A valve."}).json()
        return {
            "file_id": file["id"],
            "source_id": note["id"],
            "chat_id": answer["id"],
            "message_id": answer["message_id"],
            "document_id": document["id"],
            "version": 1,
        }

    return make


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("owned", [False, True], ids=["any ids", "own ids"])
def test_every_answer_is_one_that_is_described(
    daphne: Server,
    live_owner: LiveAccount,
    described: Any,
    own_ids: Any,
    mode: GenerationMode,
    owned: bool,
) -> None:
    for result in described.get_all_operations():
        operation = result.ok()
        if owned and not operation.path_parameters:
            continue
        given_ids = {"path_parameters": only_known(operation, own_ids())} if owned else {}
        strategy = operation.as_strategy(generation_mode=mode, **given_ids)
        check_answers(strategy, base_url=daphne.url, headers=live_owner.headers)
    assert daphne.is_ready()


def only_known(operation: Any, ids: dict[str, str | int]) -> dict[str, str | int]:
    names = {parameter.name for parameter in operation.path_parameters}
    return {name: value for name, value in ids.items() if name in names}


def check_answers(strategy: Any, **call: Any) -> None:
    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def check(case: Any) -> None:
        response = case.call(timeout=TIMEOUT, **call)
        # A stream's schema is that of its text; schemathesis would hold each event against it.
        is_stream = "text/event-stream" in response.headers.get("content-type", [""])[0]
        case.validate_response(response, checks=CHOSEN if is_stream else CHOSEN + SCHEMA)

    check()
