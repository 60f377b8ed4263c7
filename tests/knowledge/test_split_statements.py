"""A passage as what can be quoted: sentences, items, cells; no headings, labels or code."""

import pytest

from knowledge.sentences import statements

CASES = {
    "sentences": (
        "First one here. Second one here! Third one, e.g. this one, costs 3.5 dollars. Mr. Smith "
        "agrees.",
        [["First one here.", "Second one here!", "Third one, e.g. this one, costs 3.5 dollars.",
          "Mr. Smith agrees."]],
    ),
    "lines of a paragraph": ("One sentence\nover two lines. And\nanother one.",
                             [["One sentence over two lines.", "And another one."]]),
    "lower case": ("the flow is steady . the results agree well .",
                   [["the flow is steady .", "the results agree well ."]]),
    "headings": ("# A heading of words\n\nWhat stands below it.\n\n## Another heading here",
                 [["What stands below it."]]),
    "code": ("Call it like this:\n\n```python\nanswer = ask()\n```\n\nThat is all there is.",
             [["That is all there is."]]),
    "code that began before": ('"usage": {"prompt_tokens": 15}, "error": null, "a": [1, 2]', []),
    "items": ("Things to do:\n\n- Open the door first.\n- Close the door\n  after yourself.\n"
              "1. Count them all up.",
              [["Open the door first."], ["Close the door after yourself."],
               ["Count them all up."]]),
    "a narrow table": ("| Code | Meaning |\n|---|---|\n| `E1` | The pump is stuck. |",
                       [["`E1`: The pump is stuck."]]),
    "a wide table": ("|Tier|Requests|Keys|Files|\n|:--|--:|---|---|\n|premium|500|50|2,000|",
                     [["premium: 500 (Requests)"], ["premium: 50 (Keys)"],
                      ["premium: 2,000 (Files)"]]),
    "an empty head": ("| | | |\n|-|-|-|\n| premium tier | 500 requests | 10 keys |\n"
                      "| standard tier | 100 requests | 3 keys |",
                      [["premium tier: 500 requests, 10 keys"],
                       ["standard tier: 100 requests, 3 keys"]]),
    "an empty head alone": ("Plans and prices:\n\n|  |  |\n|---|---|", []),
    "rules alone": ("|---|---|\n|---|---|\n| Plan | two cells |", [["Plan: two cells"]]),
    "a column alone": ("| News |\n|---|\n| The office is closed on Monday. |",
                       [["The office is closed on Monday."]]),
    "a row without a label": ("||500 requests a minute|\n|||", [["500 requests a minute"]]),
    "rows with names": ("name | age\nname: Ada King; age: 36\nname: Linus; age: 50 years",
                        [["name: Ada King; age: 36"], ["name: Linus; age: 50 years"]]),
    "names above their rows": ("name | age | town\nname: Ada; age: 36; town: London",
                               [["name: Ada; age: 36; town: London"]]),
    "rows without names": ("Item | Price\nBadge | 7 euros\nLanyard | 3 euros\n\nAnd no more.",
                           [["Badge: 7 euros"], ["Lanyard: 3 euros"], ["And no more."]]),
    "wide rows without names": ("Ann | 3 | Paris | France\nBob | 4 | Rome | Italy",
                                [["Ann: 3, Paris, France"], ["Bob: 4, Rome, Italy"]]),
    "pipes in prose": ("Run `ps aux | grep celery` to see them.\nThe field is string | null when "
                       "it is empty. Restart.",
                       [["Run `ps aux | grep celery` to see them.",
                         "The field is string | null when it is empty."]]),
    "a table without its head": ("| premium | 500 | many files |", [["premium: 500, many files"]]),
    "Chinese": ("高级套餐每分钟允许五百个请求。标准套餐允许一百个。",
                [["高级套餐每分钟允许五百个请求。", "标准套餐允许一百个。"]]),
    "quotes": ("> Quoted words stay words.\n> And so do these.",
               [["Quoted words stay words.", "And so do these."]]),
    "a title above its text": ("1.2 Integration Setup\nOpen the admin center. Add\nour app.\n"
                               "Billing\nInvoices are sent each month.",
                               [["1.2 Integration Setup: Open the admin center.", "Add our app.",
                                 "Billing: Invoices are sent each month."]]),
    "lines that are full": ("The valve is opened by\nHand, which takes a while.",
                            [["The valve is opened by Hand, which takes a while."]]),
    "nothing": ("", []),
    "a label": ("Name\n\nPage 3", []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_statements(name: str) -> None:
    content, expected = CASES[name]
    assert statements(content) == expected


def test_text_without_end_is_not_quoted_and_costs_little() -> None:
    assert statements("word " * 50_000) == []
    assert statements("a.b " * 20_000 + "|" * 20_000) == []
