"""The help articles are part of the knowledge base: shared, up to date, and no more than wanted."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from chatbot_project.api.errors import ModelUnavailable
from chatbot_project.site import help_articles
from chatbot_project.site.models import IndexedArticle
from knowledge import services
from knowledge.models import Source, Visibility
from knowledge.search import search

ARTICLE = """---
title: "Making Tea"
summary: "How we make tea"
tags: ["tea"]
order: 1
---

# Making Tea

{text}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of two articles, in the place of ours."""
    monkeypatch.setattr(help_articles, "FOLDER", tmp_path)
    write(tmp_path, "tea", "Tea is brewed for three minutes.")
    write(tmp_path, "coffee", "Coffee is ground before it is brewed.")
    return tmp_path


def write(folder: Path, slug: str, text: str) -> None:
    (folder / f"{slug}.md").write_text(ARTICLE.format(text=text))


def index(*arguments: str) -> None:
    call_command("index_help", *arguments)


def article(slug: str) -> Source:
    source: Source = Source.objects.get(metadata__article=slug)
    return source


def test_everyone_finds_them(folder: Path, staff: User, stranger: User) -> None:
    index()
    source = article("tea")
    assert (source.owner, source.visibility) == (staff, Visibility.SHARED)
    assert (source.title, source.tags) == ("Making Tea", ["help", "tea"])
    assert "title:" not in source.content
    best = search(stranger, "How long is tea brewed?")[0]
    assert best.source_id == source.id
    assert Source.objects.count() == 2


def test_a_second_time_changes_nothing(
    folder: Path, staff: User, capsys: pytest.CaptureFixture[str]
) -> None:
    index()
    before = article("tea").updated_at
    assert not help_articles.work(help_articles.articles())
    index()
    assert "0 added, 0 changed, 0 removed." in capsys.readouterr().out
    assert (Source.objects.count(), article("tea").updated_at) == (2, before)


def test_a_new_release_brings_changes(folder: Path, staff: User, stranger: User) -> None:
    index()
    write(folder, "tea", "Tea is brewed for five minutes, if it is black.")
    (folder / "coffee.md").unlink()
    index()
    assert "five minutes" in search(stranger, "How long is tea brewed?")[0].content
    assert not Source.objects.filter(metadata__article="coffee").exists()
    assert IndexedArticle.objects.count() == 1


def test_tags_change(folder: Path, staff: User) -> None:
    index()
    path = folder / "tea.md"
    path.write_text(path.read_text().replace('["tea"]', '["tea", "hot"]'))
    index()
    assert article("tea").tags == ["help", "tea", "hot"]
    assert not help_articles.work(help_articles.articles())


def test_a_change_that_breaks_off_is_made_the_next_time(
    folder: Path, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    index()
    write(folder, "tea", "Another release's words.")
    changed = services.change_text

    def break_off(*given: Any, **named: Any) -> None:
        changed(*given, **named)
        raise ModelUnavailable("broken off")

    with monkeypatch.context() as broken, pytest.raises(CommandError, match="broken off"):
        broken.setattr(services, "change_text", break_off)
        index()
    index()
    assert "Another release's words." in article("tea").content
    assert not help_articles.work(help_articles.articles())


def test_what_staff_have_deleted_stays_so(folder: Path, staff: User) -> None:
    index()
    article("tea").delete()
    write(folder, "tea", "Another release's words.")
    index()
    assert Source.objects.count() == 1
    index("--restore")
    assert "Another release's words." in article("tea").content


def test_what_staff_have_rewritten_is_theirs(folder: Path, staff: User) -> None:
    index()
    Source.objects.filter(metadata__article="tea").update(content="We drink no tea.")
    Source.objects.filter(metadata__article="coffee").update(content="Nor coffee.")
    write(folder, "tea", "Another release's words.")
    (folder / "coffee.md").unlink()
    index()
    assert article("tea").content == "We drink no tea."
    assert article("coffee").content == "Nor coffee."


def test_they_need_an_owner(folder: Path, owner: User) -> None:
    with pytest.raises(CommandError, match="createsuperuser"):
        index()
    with pytest.raises(CommandError, match="an account nobody"):
        index("--owner", "nobody@example.com")
    index("--owner", owner.email)
    assert article("tea").owner == owner


def test_each_of_ours_can_be_read() -> None:
    found = {article.slug: article for article in help_articles.articles()}
    assert {"getting-started", "keys", "limits-and-tiers", "chat", "knowledge", "errors"} <= {
        *found
    }
    for each in found.values():
        assert each.title and each.tags
        assert each.text.startswith("# ")
