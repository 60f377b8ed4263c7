"""What an answer rests on: what is attached, and passages looked up before it is written; and who
writes it from them.

Off the event loop: the question is embedded by a thread without a database connection, the search
is a short call of its own, and no other answer waits for either.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError  # lost connections too

from chat import (
    attached,
    catalog,
    citations,
    context,
    document_passages,
    extractive,
    providers,
    questions,
)
from chat.extractive import Extract
from chat.providers import Provider, ProviderFailed
from chat.turns import Lookup, Turn
from chatbot_project.api.breaker import Breaker
from chatbot_project.api.errors import ModelUnavailable
from chatbot_project.api.threads import (
    beside_database,
    beside_models,
    beside_models_for_long,
    in_database,
    in_turn,
)
from knowledge.filters import Filters
from knowledge.search import Found, Hits, Query, SearchType, look_up, understand

P = ParamSpec("P")
R = TypeVar("R")

# An answer waits no longer for vectors from elsewhere: words alone find much.
EMBED_SECONDS = 5.0
PAUSE_SECONDS = 10.0
MOST_PASSAGES = extractive.MOST_PASSAGES
# Hybrid scores. Below, a passage shares with the question neither subject nor words.
LEAST_SCORE = 0.25
LEAST_SHARE = 0.5  # of the best one's score

# Apart: an embedder that is too slow for many texts may well do for one.
_questions = Breaker("questions_not_embedded", PAUSE_SECONDS)
_statements = Breaker("statements_not_embedded", PAUSE_SECONDS)


class Grounded(NamedTuple):
    turn: Turn  # with all in its prompt that belongs to the question
    provider: Provider
    sources: Sequence[Found] = ()


async def ground(turn: Turn) -> Grounded:
    """Raises ProviderFailed."""
    if not (turn.lookup or turn.attached):
        return _without_knowledge(turn)
    query = await _understood(turn)
    if turn.attached:
        turn = await in_turn(turn.owner_id, partial(attached.joined, turn, query))
    if turn.lookup and (grounded := await _by_knowledge(turn, turn.lookup, query)):
        await in_database(citations.save, turn.answer, grounded.sources)
        return grounded
    return _without_knowledge(turn)


def _without_knowledge(turn: Turn) -> Grounded:
    if turn.prompt.model == catalog.EXTRACTIVE:
        return Grounded(turn, extractive.nothing_found(_asked(turn), bool(turn.attached)))
    return Grounded(turn, providers.provider())


async def _by_knowledge(turn: Turn, lookup: Lookup, query: Query) -> Grounded | None:
    """None: knowledge does not cover it."""
    if _is_extractive(turn):
        extract = await _extracted(turn, lookup, query)
        return Grounded(turn, extract, extract.sources) if extract else None
    found = _worth_telling((await _search(lookup, query)).found)
    passages = [_passage(each) for each in found]
    prompt, told = await beside_database(context.quote, turn.prompt, passages)
    told_of = replace(turn, prompt=prompt)
    return Grounded(told_of, providers.provider(), found[:told]) if told else None


async def _extracted(turn: Turn, lookup: Lookup, query: Query) -> Extract | None:
    """Who can but quote quotes what is attached; where that says nothing, what else is known."""
    if turn.attached:
        hits = await _in_attached(turn, lookup, query)
        if extract := await _compared(extractive.choose, query, hits):
            return extract
    return await _compared(extractive.choose, query, await _search(lookup, query))


async def _in_attached(turn: Turn, lookup: Lookup, query: Query) -> Hits:
    indexed, versions = await in_database(attached.by_place, turn)
    known = replace(lookup, filters=Filters(source_ids=indexed))
    hits = await _search(known, query) if indexed else Hits([], {})
    if versions:
        likely = await in_turn(turn.owner_id, partial(document_passages.likely, versions, query))
        read = await _compared(document_passages.nearest, query, likely, MOST_PASSAGES)
        hits = document_passages.together(hits, read)
    return hits


async def _compared(
    compare: Callable[Concatenate[Query, P], R], query: Query, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Compares texts with the question; by words alone, where no embedder says what they mean."""
    by_words = partial(compare, replace(query, meaning=None), *args, **kwargs)
    if query.meaning is None:
        return await beside_database(by_words)
    by_meaning = partial(beside_models_for_long, compare, query, *args, **kwargs)
    return await _with_model(_statements, by_meaning, by_words)


def _is_extractive(turn: Turn) -> bool:
    """The embedded language model is too small for facts: what knowledge covers is quoted."""
    wants_json = turn.prompt.options.get("response_format", {}).get("type", "text") != "text"
    embedded = settings.EMBEDDED_MODEL and not wants_json
    return embedded or turn.prompt.model == catalog.EXTRACTIVE


def _asked(turn: Turn) -> str:
    return turn.lookup.question if turn.lookup else ""


async def _search(lookup: Lookup, query: Query) -> Hits:
    try:
        return await in_database(look_up, lookup.readers, query, lookup.filters, MOST_PASSAGES)
    except DatabaseError as error:
        raise ProviderFailed("The knowledge base cannot be reached.") from error


async def _understood(turn: Turn) -> Query:
    """What is asked, once for all that is searched; by words alone, where no chunks are."""
    question = _asked(turn) or questions.cut(turn.prompt.messages[-1]["content"])
    if turn.lookup or any(each["type"] == "file" for each in turn.attached):
        return await understood(question)
    return await beside_database(understand, question, SearchType.TEXT)


async def understood(question: str) -> Query:
    """For what it means, too, unless no embedder answers in time."""
    by_words = partial(understand, question, SearchType.TEXT)
    return await _with_model(_questions, partial(beside_models, understand, question), by_words)


async def _with_model(
    breaker: Breaker, by_meaning: Callable[[], Awaitable[R]], by_words: Callable[[], R]
) -> R:
    """What `by_meaning` makes with an embedder; `by_words`, where none answers in time. The one in
    this process always does, late where the machine is busy."""
    if breaker.allows():
        try:
            async with asyncio.timeout(None if settings.EMBEDDED_EMBEDDINGS else EMBED_SECONDS):
                result = await by_meaning()
        except (TimeoutError, ModelUnavailable) as error:
            breaker.failed(error)
        else:
            breaker.succeeded()
            return result
    return await beside_database(by_words)


def _worth_telling(found: Sequence[Found]) -> list[Found]:
    least = max(LEAST_SCORE, LEAST_SHARE * found[0].score) if found else 0.0
    return [each for each in found if each.score >= least]


def _passage(found: Found) -> dict[str, Any]:
    return {
        "title": found.filename or found.title,
        "page": found.page,
        "section": found.section,
        "text": found.content,
    }
