"""What changed between two versions: unified text that `patch` takes, and a list of hunks."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.comparing import compare
from documents.models import Document, Version
from tests.documents.calling import Documents, error_of

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "a\r\n"]), max_size=30)
TEXTS = st.builds(lambda lines, end: "".join(lines) + end, LINES, st.sampled_from(["", "a", "d"]))


def versions(old: str, new: str) -> tuple[Version, Version]:
    document = Document()
    return (
        Version(document=document, number=1, content=old),
        Version(document=document, number=2, content=new),
    )


def applied(old: str, diff: dict[str, Any]) -> str:
    """`old` with the hunks of `diff`, each checked against it."""
    lines, result, at = old.split("\n"), "", 0
    before = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    for hunk in diff["hunks"]:
        start = hunk["old_start"] - (1 if hunk["old_lines"] else 0)
        result += "".join(before[at:start])
        at = start
        for piece in hunk["pieces"]:
            if piece["op"] != "insert":
                assert before[at : at + len(piece["lines"])] == piece["lines"]
                at += len(piece["lines"])
            if piece["op"] != "delete":
                result += "".join(piece["lines"])
        assert at == start + hunk["old_lines"]
    return result + "".join(before[at:])


@settings(max_examples=150, deadline=None)
@given(old=TEXTS, new=TEXTS)
def test_hunks_lead_from_one_to_the_other(old: str, new: str) -> None:
    diff = compare(*versions(old, new))
    assert applied(old, diff) == new
    assert (diff["hunks"] == []) == (diff["unified"] == "") == (old == new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a\nb", "a\nb\n"),
        ("a\nb\n", "a\nc"),
        ("", "a\n"),
        ("a\nb\n", ""),
        ("".join(f"{n}\n" for n in range(50)), "".join(f"{n}\n" for n in range(50) if n % 17)),
        ("x\n" * 9 + "a\n" + "x\n" * 9, "x\n" * 8 + "b\n" + "x\n" * 10),
    ],
)
def test_patch_applies_the_unified_text(old: str, new: str, tmp_path: Path) -> None:
    """As it is, and without fuzz."""
    text = tmp_path / "text"
    text.write_text(old)
    unified = compare(*versions(old, new))["unified"]
    command = ["patch", "--silent", "--fuzz=0", str(text)]
    subprocess.run(command, input=unified.encode(), cwd=tmp_path, check=True)
    assert text.read_text() == new


def test_what_is_shown(documents: Documents) -> None:
    id = documents.create(title="Plan", content="1\n2\n3\n4\n5\n6\n", type="text")["id"]
    documents.put(id, title="Plans", content="1\n2\n3\n4\nfive\n6\n7\n", type="markdown")
    assert documents.get(f"/{id}/diff", **{"from": 1, "to": 2}) == {
        "from": 1,
        "to": 2,
        "changes": {
            "title": {"from": "Plan", "to": "Plans"},
            "type": {"from": "text", "to": "markdown"},
        },
        "additions": 2,
        "deletions": 1,
        "unified": "--- version 1\n+++ version 2\n@@ -2,5 +2,6 @@\n 2\n 3\n 4\n-5\n+five\n 6\n+7\n",
        "hunks": [
            {
                "old_start": 2,
                "old_lines": 5,
                "new_start": 2,
                "new_lines": 6,
                "pieces": [
                    {"op": "equal", "lines": ["2\n", "3\n", "4\n"]},
                    {"op": "delete", "lines": ["5\n"]},
                    {"op": "insert", "lines": ["five\n"]},
                    {"op": "equal", "lines": ["6\n"]},
                    {"op": "insert", "lines": ["7\n"]},
                ],
            }
        ],
    }


def test_the_newest_change_is_the_default(documents: Documents, document: str) -> None:
    first = documents.get(f"/{document}/diff")
    assert (first["from"], first["to"], first["hunks"]) == (1, 1, [])
    for content in ("two\n", "three\n"):
        documents.put(document, content=content)
    newest = documents.get(f"/{document}/diff")
    assert (newest["from"], newest["to"]) == (2, 3)
    assert documents.get(f"/{document}/diff", to=2)["from"] == 1
    assert documents.get(f"/{document}/diff", **{"from": 1})["to"] == 3
    back = documents.get(f"/{document}/diff", **{"from": 3, "to": 1})
    assert "-three\n+one\n" in back["unified"]


@pytest.mark.parametrize("query", ["from=0", "from=x", "to=-1", "to=1.5", "to=99999999999", "to="])
def test_it_refuses_what_is_no_version(query: str, documents: Documents, document: str) -> None:
    response = documents.call("get", f"/{document}/diff?{query}")
    assert response.status_code == 400
    assert list(error_of(response)["details"]["invalid_fields"]) == [query.split("=")[0]]


def test_a_version_that_is_not_there(documents: Documents, document: str) -> None:
    assert documents.call("get", f"/{document}/diff?to=2").status_code == 404


def numbers(count: int, step: int = 1) -> str:
    return "".join(f"{number}\n" for number in range(0, count * step, step))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ab\n" * 300_000, "ab\n" * 299_999),
        ("".join(f"{n * n % 97}\n" for n in range(300_000)), "".join(
            f"{n * n % 89}\n" for n in range(300_000))),
        (numbers(100_000), numbers(100_000, 2)),
        (numbers(60_000) + numbers(60_000)[::-1], numbers(60_000)[::-1] + numbers(60_000)),
        ("x" * 999_999, "x" * 999_998),
    ],
    ids=["alike", "few lines in disorder", "every other line", "swapped", "one line"],
)  # fmt: skip
def test_large_texts_are_compared_within_bounds(old: str, new: str) -> None:
    begun = time.process_time()
    diff = compare(*versions(old, new))
    assert time.process_time() - begun < 10  # seconds; without the budget: hours
    assert applied(old, diff) == new
