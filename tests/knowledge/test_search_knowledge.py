"""Search finds what is meant and what is said, and says where it stands."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from knowledge.models import Embedding, Source
from tests.knowledge.conftest import AddText, MakeSource

TEAMS = "To integrate with Microsoft Teams, open the admin center and add our app to your tenant."
REFUNDS = "Customers get their money back within thirty days of the purchase."
COFFEE = "The espresso machine on the third floor must be descaled every Friday."
Search = Callable[..., dict[str, Any]]


@pytest.fixture
def search(owner_client: Client) -> Search:
    def ask(query: str, **body: Any) -> dict[str, Any]:
        response = owner_client.post(
            "/api/knowledge/search", {"query": query, **body}, content_type="application/json"
        )
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        assert answer["total"] == len(answer["results"])
        assert answer["query_time"] > 0
        scores = [result["score"] for result in answer["results"]]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        return answer

    return ask


@pytest.fixture
def three_texts(owner_client: Client, add_text: AddText) -> list[str]:
    return [
        add_text(owner_client, text, title=title)["id"]
        for title, text in (("Teams", TEAMS), ("Refunds", REFUNDS), ("Kitchen", COFFEE))
    ]


def found(answer: dict[str, Any]) -> list[str]:
    return [result["source"]["title"] for result in answer["results"]]


@pytest.mark.parametrize("type", ["semantic", "text", "hybrid", None])
def test_the_best_comes_first(search: Search, three_texts: list[str], type: str | None) -> None:
    asked = {} if type is None else {"type": type}
    answer = search("How to integrate with Microsoft Teams?", limit=2, **asked)
    assert found(answer)[0] == "Teams"
    assert len(answer["results"]) == (1 if type == "text" else 2)
    assert answer["results"][0]["content"] == TEAMS


@pytest.mark.parametrize("type", ["semantic", "hybrid"])
def test_other_words_for_the_same_are_found(
    search: Search, three_texts: list[str], type: str
) -> None:
    assert found(search("Can I return what I bought for a reimbursement?", type=type))[0] == (
        "Refunds"
    )


def test_text_finds_only_what_is_said(search: Search, three_texts: list[str]) -> None:
    assert found(search("reimbursement", type="text")) == []
    assert found(search("descaling machines", type="text")) == ["Kitchen"]
    assert found(search("the of and", type="text")) == []


@pytest.mark.parametrize("type", ["text", "hybrid"])
@pytest.mark.parametrize(
    ("content", "query"),
    [
        ("Restart the service when the log says ERR-4012.", "ERR-4012"),
        ("我们的退款政策允许客户在三十天内退货。", "退款政策"),
        ("See teams-integration.pdf for the steps.", "teams-integration.pdf"),
    ],
)
def test_names_and_codes_are_found(
    search: Search,
    three_texts: list[str],
    owner_client: Client,
    add_text: AddText,
    content: str,
    query: str,
    type: str,
) -> None:
    add_text(owner_client, content, title="Wanted")
    assert found(search(query, type=type))[0] == "Wanted"


def test_a_file_is_found_by_its_name(search: Search, owner: User, make_source: MakeSource) -> None:
    source = make_source(
        owner,
        ["Nothing that says so.", "Nor this."],
        pages=[3, 4],
        source_type="document",
        filename="quarterly-report.pdf",
        tags=["finance"],
    )
    answer = search("quarterly-report.pdf", type="text", filters={"source_type": "document"})
    assert len(answer["results"]) == 2
    result = answer["results"][0]
    assert result["source"]["id"] == source.public_id
    assert source.public_id.startswith("file_")
    assert result["source"]["filename"] == "quarterly-report.pdf"
    assert result["source"]["type"] == "document"
    assert {r["metadata"]["page"] for r in answer["results"]} == {3, 4}


@pytest.mark.parametrize("type", ["semantic", "text", "hybrid"])
def test_a_query_of_stop_words_among_texts_without_vectors(
    search: Search, three_texts: list[str], type: str
) -> None:
    """As between two embedding models: such a chunk has no score of either kind."""
    Embedding.objects.filter(chunk__source__title="Teams").delete()
    assert found(search("who are you?", type=type))[:1] != ["Teams"]


def test_an_empty_account_finds_nothing(search: Search) -> None:
    assert search("anything")["results"] == []


@pytest.mark.parametrize("type", ["semantic", "text", "hybrid"])
class TestFilters:
    @pytest.fixture(autouse=True)
    def sources(self, owner: User, make_source: MakeSource) -> None:
        text = ["One common text of valves."]
        make_source(owner, text, title="red", tags=["a", "b"], metadata={"n": 1, "5": "x"})
        make_source(owner, text, title="green", tags=["a"], metadata={"n": 2, "deep": {"k": []}})
        blue = make_source(owner, text, title="blue", source_type="artifact")
        moment = datetime(2024, 5, 5, 12, tzinfo=UTC)
        Source.objects.filter(pk=blue.pk).update(created_at=moment)

    @pytest.mark.parametrize(
        ("filters", "titles"),
        [
            ({}, "blue green red"),
            ({"tags": ["a"]}, "green red"),
            ({"tags": ["a", "b"]}, "red"),
            ({"tags": ["c"]}, ""),
            ({"source_type": "artifact"}, "blue"),
            ({"source_type": "manual", "tags": ["b"]}, "red"),
            ({"metadata": {"n": 1}}, "red"),
            ({"metadata": {"5": "x", "n": 1}}, "red"),
            ({"metadata": {"n": "1"}}, ""),
            ({"metadata": {"deep": {"k": []}}}, "green"),
            ({"metadata": {"deep": {}}}, ""),
            ({"metadata": {"absent": None}}, ""),
            ({"created_before": "2024-05-06"}, "blue"),
            ({"created_after": "2024-05-05T12:00:00Z", "created_before": "2024-05-06"}, "blue"),
            ({"created_after": "2024-05-05T12:00:01Z"}, "green red"),
            ({"created_after": None, "tags": None}, "blue green red"),
        ],
        ids=str,
    )
    def test_they_hold(
        self, search: Search, type: str, filters: dict[str, Any], titles: str
    ) -> None:
        answer = search("valves", type=type, filters=filters)
        assert " ".join(sorted(found(answer))) == titles

    def test_by_source(self, search: Search, type: str) -> None:
        ids = {r["source"]["title"]: r["source"]["id"] for r in search("valves")["results"]}
        assert found(search("valves", type=type, filters={"source_id": ids["red"]})) == ["red"]
        both = {"source_id": [ids["red"], ids["blue"]]}
        assert sorted(found(search("valves", type=type, filters=both))) == ["blue", "red"]
        of_another_type = {"source_id": ids["red"].replace("src_", "file_")}
        assert found(search("valves", type=type, filters=of_another_type)) == []
        for no_id in ("", "src_", "nothing", [], ["src_x"]):
            assert found(search("valves", type=type, filters={"source_id": no_id})) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": " "}, "query"),
        ({"query": "x" * 4_001}, "query"),
        ({"query": "x", "type": "fuzzy"}, "type"),
        ({"query": "x", "limit": 0}, "limit"),
        ({"query": "x", "limit": 51}, "limit"),
        ({"query": "x", "limit": "5"}, "limit"),
        ({"query": "x", "filters": {"source_type": "video"}}, "filters.source_type"),
        ({"query": "x", "filters": {"tags": "a"}}, "filters.tags"),
        ({"query": "x", "filters": {"source_id": 5}}, "filters.source_id"),
        ({"query": "x", "filters": {"created_after": "yesterday"}}, "filters.created_after"),
        ({"query": "x", "filters": []}, "filters"),
    ],
    ids=str,
)
def test_bad_requests_are_refused(owner_client: Client, body: dict[str, Any], field: str) -> None:
    response = owner_client.post("/api/knowledge/search", body, content_type="application/json")
    assert response.status_code == 400
    details = response.json()["error"]["details"]
    assert field in [*details.get("missing_fields", []), *details.get("invalid_fields", {})]


def test_a_key_that_may_read_is_enough(make_client: Callable[..., Client], owner: User) -> None:
    for scopes, status in ((["knowledge:read"], 200), (["knowledge:write"], 403)):
        response = make_client(owner, scopes=scopes).post(
            "/api/knowledge/search", {"query": "x"}, content_type="application/json"
        )
        assert response.status_code == status
