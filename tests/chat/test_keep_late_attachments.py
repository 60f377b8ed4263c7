"""A branch with more attachments than a prompt takes: the latest are read."""

from typing import Any

from chat.attaching import MOST_ATTACHMENTS, MOST_IN_A_BRANCH, of_branch
from chat.models import Message


def question(*numbers: int, version: int = 1) -> Message:
    attached: list[dict[str, Any]] = [
        {"id": f"doc_{number}", "type": "document", "title": "", "version": version}
        for number in numbers
    ]
    return Message(attachments=attached)


def test_what_is_attached_again_is_among_the_latest() -> None:
    first = [question(*range(MOST_ATTACHMENTS)), question(*range(MOST_ATTACHMENTS, 20))]
    read = of_branch([*first, question(0, version=2), question(20)], None)
    assert len(read) == MOST_IN_A_BRANCH
    assert [(each["id"], each["version"]) for each in read[-2:]] == [("doc_0", 2), ("doc_20", 1)]
    assert "doc_1" not in {each["id"] for each in read}
