"""An answer in which the model calls functions: asked, called, told, and asked again.

What a call did is stored with the answer in the very transaction that did it. Nothing is done for
an answer that has been stopped or given up, and nothing is done twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings

from chat import context, events, grounding, tokens, tool_messages, tools
from chat.answers import Answer
from chat.function_calls import FunctionCall
from chat.providers import Piece, Prompt, ProviderFailed, ToolsRefused
from chat.tool_calls import Carried, Understood, carry_out, refuse, understand
from chat.turns import Turn
from chatbot_project.api.bodies import SMALL
from chatbot_project.api.errors import RateLimited
from chatbot_project.api.threads import beside_database, in_database, in_turn

JSON = dict[str, Any]
Ask = Callable[[Prompt], Awaitable[Piece]]

MOST_CALLS = 8  # of an answer; then the model has to do with what it has
SHARE_FOR_RESULTS = 0.25  # of the context, for what all calls of an answer return


class ToolUse:
    """The calls of one answer, and what they have cost in tokens so far."""

    def __init__(self, turn: Turn, answer: Answer) -> None:
        self.turn = turn
        self.answer = answer
        self.calls: list[JSON] = turn.answer.tool_calls  # that have ended, as they are kept
        self.room = int(settings.CHAT_CONTEXT_TOKENS * SHARE_FOR_RESULTS)
        self.spent = (0, 0)  # tokens of prompts and of what was said, up to the last result
        self.answered = 0  # so many of the calls the model has been told the results of
        self.begun = 0  # where the text of the last call to the model begins

    async def write(self, turn: Turn, ask: Ask) -> None:
        """Has the answer written by `ask`, called as often as it takes.

        `turn` by now has all in its prompt that belongs to the question. Raises ProviderFailed,
        and Abandoned where the answer has ended elsewhere.
        """
        self.turn, prompt = turn, turn.prompt
        try:
            piece = await ask(prompt)
        except ToolsRefused:
            plain = tool_messages.without(prompt.messages)
            await ask(replace(prompt, messages=plain, tools=None))
            if len(plain) == len(prompt.messages):  # else it may be this chat's calls that it hates
                tools.note_refusal(prompt.model)
            return
        while piece.calls and len(self.calls) < MOST_CALLS:
            text = self.answer.text[self.begun :].strip()
            self.spent = await beside_database(self._spent, prompt, piece, text)
            self.begun = len(self.answer.text)
            piece.prompt_tokens = piece.completion_tokens = 0  # they are spent: not once more
            prompt = await self._answered(prompt, piece.calls, text)
            piece = await ask(prompt)
        if piece.calls and not self.answer.text:
            raise ProviderFailed("The language model called functions and never answered.")

    def _spent(self, prompt: Prompt, piece: Piece, text: str) -> tuple[int, int]:
        asked, said = piece.prompt_tokens, piece.completion_tokens
        if asked is None or said is None:
            asked = tokens.count_messages(prompt.messages)
            said = tokens.count(text + "".join(call.arguments for call in piece.calls or ()))
        return tokens.total(self.spent[0], asked), tokens.total(self.spent[1], said)

    async def _answered(self, prompt: Prompt, calls: list[FunctionCall], text: str) -> Prompt:
        """The prompt with the calls and what they returned. After the last one, no more calls."""
        said, results = [], []
        self.answered = len(self.calls)
        for call in calls:
            self._name(call)
            meant = await self._understood(call)
            carried = await self._carried_out(meant)
            said.append(tool_messages.call(call.id, call.name, meant.said))
            results.append(tool_messages.result(call.id, carried.told))
        messages = [*prompt.messages, tool_messages.calls(text, said), *results]
        is_last = len(self.calls) >= MOST_CALLS
        options = {**prompt.options, "tool_choice": "none"} if is_last else prompt.options
        grown = replace(prompt, messages=messages, options=options)
        return await beside_database(context.refitted, grown)

    def _name(self, call: FunctionCall) -> None:
        """Some providers give no ids, or one to all."""
        if not call.id or any(call.id == each["id"] for each in self.calls):
            call.id = f"call_{len(self.calls) + 1}"

    async def _understood(self, call: FunctionCall) -> Understood:
        offered = self.turn.prompt.tools.names if self.turn.prompt.tools else ()
        if len(self.calls) >= MOST_CALLS:
            reason = RateLimited(f"An answer may call functions {MOST_CALLS} times. Answer now.")
            return Understood(call.id, call.name, error=reason)
        if call.size <= SMALL:
            return understand(call, offered)
        return await asyncio.to_thread(understand, call, offered)

    async def _carried_out(self, meant: Understood) -> Carried:
        """Does what the model calls for, and tells the reader. Raises Abandoned."""
        turn, before, spent = self.turn, list(self.calls), self.spent
        answered, room = self.answered, self.room
        if (tool := meant.tool) is None:
            carried = await in_database(refuse, turn, before, spent, meant)
        else:
            self.answer.publish(events.tool({**meant.shown(), "status": "running"}))
            if tool.name == tools.SEARCH:
                query = await grounding.understood(meant.arguments["query"])
                meant = replace(meant, arguments={**meant.arguments, "query": query})
            doing = partial(carry_out, tool, turn, before, answered, spent, meant, room)
            carrying = asyncio.ensure_future(in_turn(turn.owner_id, doing))
            carried = await self._whole(carrying, tool.writes)
        self._note(carried)
        return carried

    async def _whole(self, doing: "asyncio.Future[Carried]", writes: bool) -> Carried:
        """Who stops the answer meanwhile waits for what is being written, and sees it."""
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            if writes:
                await asyncio.wait([doing])
                if not doing.exception():
                    self._note(doing.result())
            raise

    def _note(self, carried: Carried) -> None:
        self.room = carried.room if carried.room is not None else self.room
        self.calls.append(carried.kept)
        self.answer.publish(events.tool(carried.kept))
