"""Writing answers: asyncio tasks of the server's process, tied to no request.

A task holds no database connection while it waits for a model. One keeper a process renews the
leases of all its answers every second, saves what they say so far, and hears who shall stop.
"""

import asyncio
import contextvars
import logging
import time
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from uuid import UUID

from django.db import Error as DatabaseError  # lost connections too

from chat import attached, catalog, ending, events, grounding, mirror, providers, titles
from chat.answers import Answer
from chat.models import Status
from chat.providers import Piece, Prompt, Provider
from chat.tool_calls import Abandoned
from chat.tool_use import ToolUse
from chat.turns import Outcome, Turn
from chatbot_project.api import shutdown
from chatbot_project.api.errors_handler import DATABASE_FAILED
from chatbot_project.api.threads import in_database, in_view_thread

logger = logging.getLogger(__name__)

KEEPER_SECONDS = 1.0
SAVE_SECONDS, SAVE_DELAY = 120.0, 1.0  # how long an answer waits for a database that is away

_running: dict[UUID, "_Generation"] = {}
_keeper: asyncio.Task[None] | None = None


class _Generation:
    def __init__(self, turn: Turn, *, stream: bool) -> None:
        self.turn = turn
        self.stream = stream
        self.answer = Answer(turn.answer, streamed=stream)
        self.piece = Piece()  # what is known of the last call to the model
        self.tools = ToolUse(turn, self.answer)
        self.gap = ""  # before the next text: what was said before a call is a paragraph
        self.begun = False
        self.saving = False  # too late to stop
        self.stop_as: Status | None = None
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        self.begun = True
        self.answer.publish(events.start(self.turn.answer))
        status, error, message = await self._written()
        self.saving = True
        self.answer.flush()
        await self._save_and_end(
            Outcome(
                status=status,
                text=self.answer.text,
                error=error,
                finish_reason=self.piece.finish_reason,
                provider_model=self.piece.model,
                prompt_tokens=self.piece.prompt_tokens,
                completion_tokens=self.piece.completion_tokens,
                spent=self.tools.spent,
                begun=self.tools.begun,
            ),
            message,
        )

    async def _written(self) -> tuple[Status, str, str]:
        """Status, error code and message of the answer, once it is written."""
        try:
            await self._write()
        except providers.ProviderFailed as failure:
            return Status.FAILED, failure.code, failure.message
        except Abandoned:
            return Status.STOPPED, "", ""
        except asyncio.CancelledError:
            if self.stop_as == Status.STOPPED:
                return Status.STOPPED, "", ""
            return Status.FAILED, "MODEL_UNAVAILABLE", "The server was stopped during the answer."
        except DATABASE_FAILED:
            logger.warning("answer_cut_off_from_database", exc_info=True)
            return Status.FAILED, "MODEL_UNAVAILABLE", "The database could not be reached."
        except Exception:  # whatever it was: the message is saved and its readers are told
            logger.exception("generation_failed")
            return Status.FAILED, "INTERNAL_ERROR", "Something went wrong on our side."
        return Status.COMPLETED, "", ""

    async def _write(self) -> None:
        if self.stop_as:  # before it had begun
            raise asyncio.CancelledError
        if self.turn.attached:
            self.turn = await in_view_thread(partial(attached.joined, self.turn))
        ask = partial(self._ask, await self._grounded())
        if self.turn.prompt.tools:
            await self.tools.write(self.turn, ask)
        else:
            await ask(self.turn.prompt)

    async def _ask(self, provider: Provider, prompt: Prompt) -> Piece:
        """One call to the model: its text is the answer's, what else it says is returned."""
        self.piece = Piece(model=self.piece.model)
        self.gap = "\n\n" if self.answer.text else ""
        if not self.stream:
            self._take(await provider.complete(prompt))
            self.answer.flush()
            return self.piece
        async with aclosing(provider.stream(prompt)) as pieces:
            async for piece in pieces:
                self._take(piece)
                if self.answer.is_full:
                    self.piece = replace(self.piece, finish_reason="length", calls=None)
                    break
        self.answer.flush()
        return self.piece

    async def _grounded(self) -> Provider:
        """Who writes the answer. Its sources are told before its first word."""
        if not (self.turn.lookup or self.turn.prompt.model == catalog.EXTRACTIVE):
            return providers.provider()
        grounded = await grounding.ground(self.turn)
        self.turn = replace(self.turn, prompt=grounded.prompt)
        for shown in self.turn.answer.sources:
            self.answer.cite(shown)
        return grounded.provider

    def _take(self, piece: Piece) -> None:
        if self.gap and piece.text:
            self.answer.add(self.gap)
            self.gap = ""
        self.answer.add(piece.text)
        piece.text = ""  # the answer has it; here only what is known of it counts
        self.piece.add(piece)

    async def _save_and_end(self, outcome: Outcome, message: str) -> None:
        answer = self.turn.answer
        try:
            await _save(self.turn, outcome)
        except Exception:  # the sweep ends it with what the keeper has saved; readers hear it now
            logger.exception("answer_not_saved")
            answer.status, answer.error = Status.FAILED, "INTERNAL_ERROR"
            message = "The answer could not be saved."
        finally:
            self.answer.failure = message
            self.answer.end(events.end(answer, message))
            del _running[answer.id]
        if self.turn.first and answer.status == Status.COMPLETED:
            titles.wake_up()

    def stop(self, status: Status) -> None:
        if self.saving or self.stop_as:
            return
        self.stop_as = status
        if self.begun:  # a task cancelled before its first step would never run at all
            self.task.cancel()


async def _save(turn: Turn, outcome: Outcome) -> None:
    last_try = time.monotonic() + SAVE_SECONDS
    while True:
        try:
            return await in_database(ending.finish_answer, turn, outcome)
        except DATABASE_FAILED:
            if time.monotonic() > last_try:
                raise
            logger.warning("answer_waits_to_be_saved")
        await asyncio.sleep(SAVE_DELAY)


def start(turn: Turn, *, stream: bool) -> Answer:
    """Begins to write the answer of `turn`. Call it in the event loop of a server."""
    global _keeper
    generation = _Generation(turn, stream=stream)
    _running[turn.answer.id] = generation
    if shutdown.has_begun():  # admitted a moment before: `stop_all` may have looked already
        generation.stop(Status.FAILED)
    if _keeper is None or _keeper.done():
        # In a context of its own: its log lines are not those of the request that came first.
        _keeper = asyncio.create_task(_keep(), context=contextvars.Context())
    return generation.answer


def find(message_id: UUID) -> Answer | None:
    """The answer, if this process is streaming it."""
    generation = _running.get(message_id)
    return generation.answer if generation and generation.stream else None


async def stop(message_id: UUID) -> bool:
    """Ends the answer and the call behind it. False: this process does not write it."""
    generation = _running.get(message_id)
    if generation is None:
        return False
    generation.stop(Status.STOPPED)
    await generation.answer.wait()
    return True


async def stop_all() -> None:
    """Before the process ends: what runs is saved as failed, with the text that there is."""
    generations = list(_running.values())
    for generation in generations:
        generation.stop(Status.FAILED)
    await asyncio.gather(*(generation.answer.wait() for generation in generations))
    await mirror.close()
    await providers.close()


async def _keep() -> None:
    while True:
        await asyncio.sleep(KEEPER_SECONDS)
        texts = {id: g.answer.text for id, g in _running.items()}
        if not texts:
            return
        try:
            stopped = await in_database(ending.renew_leases, texts)
        except DatabaseError:
            logger.warning("leases_not_renewed")
            continue
        for message_id in stopped:
            if generation := _running.get(message_id):
                generation.stop(Status.STOPPED)


shutdown.register(stop_all)
