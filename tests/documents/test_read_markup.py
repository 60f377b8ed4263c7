"""What a page of HTML says: its text, without its tags, in one pass whatever is in it."""

import time

import pytest

from documents.markup import text_of

PAGE = """<!DOCTYPE html>
<html><head><title>T</title><style>p { color: red }</style></head>
<body><!-- a <b>comment</b> > -->
<h1>Tides &amp; moon</h1><p>The <b>moon</b>
moves the&nbsp;sea.<br>Twice.</p>
<script>if (a < b) { document.write("<p>never</p>") }</script>
<ul><li>ebb</li><li>flow</li></ul>
<table><tr><th>Day</th><td>1</td></tr></table>1 < 2 &lt;tag&gt;
</body></html>"""


def test_a_page() -> None:
    assert text_of(PAGE).split("\n") == [
        *("# Tides & moon", "", "The moon moves the sea.", "Twice.", "", "- ebb", "", "- flow"),
        *("", "Day 1", "", "1 < 2 <tag>"),
    ]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain text", "plain text"),
        ("a<b", "a"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<SCRIPT>x</SCRIPT >y", "y"),
        ("<script>never ends", ""),
        ("<!-- never ends <p>x</p>", ""),
        ("<!-->x", "x"),
        ("", ""),
    ],
)
def test_odd_pages(html: str, text: str) -> None:
    assert text_of(html) == text


CODE = "def f():\n    return  1\n\n\n# the end"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (f"Try<pre>\n{CODE}\n</pre>now", f"Try\n\n```\n{CODE}\n```\n\nnow"),
        (f"<PRE class=a><code>{CODE}</code></PRE>", f"```\n{CODE}\n```"),
        ("<pre>a\r\n\t<b>b</b> &lt;c&gt;<br>d</pre>", "```\na\n\tb <c>\nd\n```"),
        ("<pre>never\n  ends", "```\nnever\n  ends\n```"),
        ("<pre>a\n<pre> b</pre> c</pre>", "```\na\n b\n```\n\nc"),
        ("a </pre> <pre> \n</pre>\n b", "a\n\nb"),
        ("<pre>a<!-- b -->\n  c<script>d</script>\n  e</pre>", "```\na\n  c\n  e\n```"),
    ],
)
def test_code_keeps_its_lines(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    "unit",
    [
        *("<", "<a", "<!--", "<a b='", "<![CDATA[", "<script>", "&#", '<a "', "\n ", "</a", "> "),
        *("<pre>", "<pre></pre>"),
    ],
)
def test_a_hostile_page_takes_no_longer(unit: str) -> None:
    began = time.process_time()
    text_of(unit * (300_000 // len(unit)))
    assert time.process_time() - began < 3  # a tenth of a second, on an idle machine
