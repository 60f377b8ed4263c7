"""HTML, EPUB, e-mail, RTF; CSV, JSON and notebooks."""

import json

import pytest

from knowledge.chunking import Block
from tests.files.conftest import Read
from tests.files.test_extract_office import zipped

HTML = """<!doctype html><html><head><title>Valves</title><script>var no = "<p>no</p>"</script>
<style>p {}</style></head><body><nav>Menu</nav><main><h1>Opening &amp; closing</h1><p>By
<b>hand</b>.<p>Slowly.<ul><li>one<li>two<ul><li>three</ul></ul>
<table><tr><th>Name<th>Size<th>Price<tr><td>Big<td>10<td>5</table><pre>  x = 1
    y</pre><p hidden>Hidden</p></main><footer>Imprint</footer></body></html>"""


def test_html(read: Read) -> None:
    (block,) = read("a.html", HTML)
    assert block.section == "Valves"
    assert block.text == (
        "# Opening & closing\n\nBy hand.\n\nSlowly.\n\n- one\n- two\n  - three\n\n"
        "Name | Size | Price\nName: Big; Size: 10; Price: 5\n\n```\n  x = 1\n    y\n```"
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>T</h1><ul><li hidden>no<li>bar</ul><p>rest", "# T\n\n- bar\n\nrest"),
        ("<ul><li>foo<li hidden>no</ul>rest", "- foo\n\nrest"),
        ("<ul><li hidden>no<ul><li>no<li>no</ul>no</li><li>bar</ul>", "- bar"),
        ("<ul><li hidden><p>no<li>bar</ul>", "- bar"),
        ("<p hidden>no<br>no<p>bar", "bar"),
        ("<p hidden>no<h2>bar</h2>", "## bar"),
        ("<div><p hidden>no</div>rest", "rest"),
        ("<dl><dt hidden>no<dd>bar<dd hidden>no</dl>rest", "bar\n\nrest"),
        ("<table><tr><td hidden>no<td>bar<tr hidden><td>no<td>no<tr><td>x</table>", "bar\nx"),
        ("<table><td>bar<td hidden>no<table><tr><td>no</table>no</table>rest", "bar\n\nrest"),
        ("<table><tbody hidden><tr><td>no<tbody><tr><td>bar</table>", "bar"),
        ("<div hidden>no<p>no<div>no</div></section>no</div>rest", "rest"),
        ("<span hidden>no<span>no</span>no</span>rest", "rest"),
        ("<nav><ul><li hidden>no</ul>no</nav>rest", "rest"),
        ("<select><option hidden>no<option>no</select>rest", "rest"),
    ],
)
def test_what_is_hidden_ends_without_its_end_tag(read: Read, html: str, text: str) -> None:
    assert read("a.html", f"<!doctype html>{html}")[0].text == text


def test_html_says_its_charset(read: Read) -> None:
    html = '<html><meta http-equiv=x content="text/html; charset=koi8-r"><p>Привет</html>'
    assert read("a.html", html.encode("koi8-r"))[0].text == "Привет"


@pytest.mark.parametrize("charset", ["hex", "idna", "undefined", "rot13", "nonsense"])
def test_html_says_what_is_no_charset(read: Read, charset: str) -> None:
    html = f"<html><meta charset='{charset}'><p>Les marées montent à midi.</html>"
    assert read("a.html", html.encode("cp1252"))[0].text == "Les marées montent à midi."


def test_headings_in_a_table_that_only_places_things(read: Read) -> None:
    (block,) = read("a.html", "<html><table><tr><td><h2>Head</h2>Text<td>Aside</table></html>")
    assert block.text == "## Head\n\nText\n\nAside" or "## Head" in block.text


def test_epub_in_reading_order_with_the_titles_of_its_contents(read: Read) -> None:
    items = [("n", "nav", "nav"), ("b", "b", ""), ("a", "a", "")]
    manifest = "".join(
        f'<item id="{id}" href="{name}.xhtml" properties="{properties}" '
        'media-type="application/xhtml+xml"/>'
        for id, name, properties in items
    )
    book = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<c><rootfiles><rootfile full-path="O/c.opf"/></rootfiles></c>',
        "O/c.opf": f"<package><manifest>{manifest}</manifest>"
        '<spine><itemref idref="b"/><itemref idref="a"/></spine></package>',
        "O/nav.xhtml": "<html><nav><a href='b.xhtml'>Begin</a>"
        "<a href='a.xhtml#x'>Rest</a></nav></html>",
        "O/b.xhtml": "<html><body><p>First&nbsp;chapter</p></body></html>",
        "O/a.xhtml": "<html><body><h2>Head</h2><p>Second chapter</p></body></html>",
    }
    assert [(b.section, " ".join(b.text.split())) for b in read("a.epub", zipped(book))] == [
        ("Begin", "First chapter"),
        ("Rest", "## Head Second chapter"),
    ]


def test_email(read: Read) -> None:
    message = (
        b"Subject: =?utf-8?q?Caf=C3=A9?=\r\nFrom: a@example.com\r\n"
        b"Content-Type: text/html; charset=latin-1\r\n\r\n<p>Body \xe9</p>\r\n"
    )
    (block,) = read("a.eml", message)
    assert block.section == "Café"
    assert block.text == "Subject: Café\nFrom: a@example.com\n\nBody é"


def test_rtf(read: Read) -> None:
    rtf = rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator X;}Caf\'e9 \u8364?\par Second\par}"
    assert read("a.rtf", rtf) == [Block("Café €\n\nSecond", None, "", False)]


def test_rtf_beyond_16_bits(read: Read) -> None:
    rtf = rb"{\rtf1\ansi Wave \u-10180?\u-8394?, {\u-10179?}{\u-8704?}; half \u-10180? a \u-8394?.}"
    assert read("a.rtf", rtf)[0].text == "Wave 🌶, 😀; half \ufffd a \ufffd."


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_rows_name_their_columns(read: Read, delimiter: str) -> None:
    rows = [["Name", "City", "Age"], ["Ann", "Paris", "3"], ["Bob", f'"New{delimiter}York"', ""]]
    (block,) = read("a.csv", "\n".join(map(delimiter.join, rows)))
    york = " ".join(f"New{delimiter}York".split())
    assert (
        block.text == f"Name | City | Age\nName: Ann; City: Paris; Age: 3\nName: Bob; City: {york}"
    )


def test_csv_without_a_header(read: Read) -> None:
    assert read("a.csv", "1,2\n3,4\n")[0].text == "1 | 2\n3 | 4"


def test_json_shows_the_path_to_each_value(read: Read) -> None:
    text = '[{"name": "Ann", "address": {"city": "Paris"}, "tags": ["a", "b"], "version": 1.10}]'
    (block,) = read("a.json", text)
    assert block.text == "name: Ann; address.city: Paris; tags: a, b; version: 1.10"


def test_json_lines(read: Read) -> None:
    assert read("a.jsonl", '{"a": 1}\n\n{"b": true}\n')[0].text == "a: 1\n\nb: true"


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85"])
def test_json_lines_end_where_json_says(read: Read, end: str) -> None:
    """Other ends of a line stand as they are within a string (RFC 8259, section 7)."""
    (block,) = read("a.jsonl", f'{{"a": "one{end}two"}}\r\n{{"b": 2}}\r\n')
    assert block.text.split() == ["a:", "one", "two", "b:", "2"]


@pytest.mark.parametrize("text", ['{"a": 1, // comment\n}', "[" * 100_000, "[1, 2"])
def test_what_is_no_json_after_all_is_text(read: Read, text: str) -> None:
    assert read("a.json", text)[0].text == text


def test_notebook(read: Read) -> None:
    output = {"output_type": "stream", "text": ["1\n"]}
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "Text"]},
        {"cell_type": "code", "source": "print(1)", "outputs": [output]},
    ]
    (block,) = read("a.ipynb", json.dumps({"cells": cells, "metadata": {}}))
    assert block == Block("# Title\nText\n\n```python\nprint(1)\n```\n\n```\n1\n```")
