"""Text in any encoding, Markdown and source code."""

import pytest

from files.extraction import ExtractionFailed, UnsupportedType
from files.readers.passages import clean
from knowledge.chunking import Block
from tests.files.conftest import Read

GERMAN = "Der Übergang über die Straße ist für Fußgänger gesperrt. Größere Änderungen folgen."
RUSSIAN = "Привет, это документ о настройке сервера и о резервном копировании данных."
JAPANESE = "サーバーの設定方法について説明します。まず、管理画面にログインしてください。"
CHINESE = "如何配置服务器？请先登录管理界面，然后选择备份选项。知识库可以搜索。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-32"),
        (GERMAN, "utf-32-le"),
        (GERMAN, "latin-1"),
        (GERMAN, "cp1252"),
        ("One “quoted” café", "cp1252"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp1251"),
        (JAPANESE, "shift-jis"),
        (JAPANESE, "euc-jp"),
        (JAPANESE, "iso-2022-jp"),
        (CHINESE, "gbk"),
        (CHINESE, "utf-16"),
        ("如何設定伺服器？請先登入管理介面，然後選擇備份選項。", "big5"),
        ("서버 설정 방법을 설명합니다. 먼저 관리 화면에 로그인하십시오.", "euc-kr"),
    ],
)
def test_encodings(read: Read, text: str, encoding: str) -> None:
    assert read("a.txt", text.encode(encoding)) == [Block(text, None, "", False)]


def test_one_bad_byte_does_not_turn_utf8_into_something_else(read: Read) -> None:
    (block,) = read("a.txt", (GERMAN * 20).encode() + b"\xff")
    assert block.text == GERMAN * 20 + "\ufffd"


def test_what_postgresql_cannot_store_is_gone(read: Read) -> None:
    (block,) = read(
        "a.txt", b"one\r\ntwo\x0c\xc2\x85three\x1b\xc2\xad\xed\xa0\x80\rfour \xc3\xa9" * 20
    )
    assert "\r" not in block.text and "\x1b" not in block.text and "\xad" not in block.text
    block.text.encode()


def test_markdown_keeps_its_headings(read: Read) -> None:
    (block,) = read("a.md", "---\ntitle: Valves\n---\n# Opening\n\nBy hand.\n")
    assert block == Block("title: Valves\n\n# Opening\n\nBy hand.", None, "", True)


def test_source_code_is_no_markdown(read: Read) -> None:
    assert read("a.py", "# Not a heading\nx = 1\n") == [
        Block("# Not a heading\nx = 1", None, "", False)
    ]


def test_binary_data_in_a_text(read: Read) -> None:
    with pytest.raises(UnsupportedType, match="neither text nor"):
        read("a.txt", bytes(range(256)) * 4)


def test_binary_data_further_down(read: Read) -> None:
    (block,) = read("a.txt", b"words and words\n" * 6_000 + bytes(range(256)))
    assert "\0" not in block.text


def test_what_nobody_sees_is_left_out() -> None:
    said = "A\u200b valve\ue000 \U000e0041opens\U00100000.\u2060"
    joined = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f468\u200d\U0001f469 \u200f1"
    assert clean(f"{said} {joined}") == f"A valve opens. {joined}"


@pytest.mark.parametrize("content", [" \n\t\n", "\ufeff"])
def test_nothing_but_spaces(read: Read, content: str) -> None:
    with pytest.raises(ExtractionFailed, match="No text found"):
        read("a.txt", content)
