"""The chat API. Answers are written from the event loop: their views are async, the rest plain."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from chat import (
    attaching,
    catalog,
    citations,
    context,
    ending,
    generation,
    readers,
    replies,
    schema,
    serializers,
    services,
    upkeep,
)
from chat.answers import Answer
from chat.models import Chat, ChatQuerySet, Message, Role
from chat.turns import Asker, Turn
from chatbot_project.api.bodies import validate, validated
from chatbot_project.api.callers import Caller
from chatbot_project.api.errors import ResourceNotFound
from chatbot_project.api.filters import wanted_text
from chatbot_project.api.pagination import Pagination
from chatbot_project.api.requests import ApiRequest
from chatbot_project.api.threads import beside_database, in_database, in_view_thread
from chatbot_project.api.times import rfc3339

POLL_SECONDS = 0.1


def asker_of(request: HttpRequest | Request) -> Asker:
    plain: Any = request._request if isinstance(request, Request) else request
    caller: Caller = plain.caller
    return Asker(caller.user, caller.key)


def chats_of(request: HttpRequest | Request) -> ChatQuerySet:
    return Chat.objects.filter(owner=asker_of(request).user)


def chat_of(request: HttpRequest | Request, chat_id: str) -> Chat:
    """A stranger's chat does not exist: ResourceNotFound."""
    return chats_of(request).get_public(chat_id)


async def answer(
    request: ApiRequest, asked: dict[str, Any], begin: Callable[..., Turn]
) -> HttpResponseBase:
    """Has `begin(asker=..., **asked)` store the question, and answers it."""
    stream = asked.pop("stream")
    if asked.get("attachments"):
        caller = cast(Caller, request.caller)  # nobody else gets here
        asked["attachments"] = await attaching.resolve(caller, asked["attachments"])

    def store() -> Turn:
        if request.api.claim is None:
            return begin(asker=asker_of(request), **asked)
        with transaction.atomic():  # a question is never there without its Idempotency-Key
            turn = begin(asker=asker_of(request), **asked)
            replies.attach(request, turn, stream=stream)
            return turn

    async def start() -> tuple[Turn, Answer]:
        turn = await fitted(await in_database(store))
        return turn, generation.start(turn, stream=stream)

    # What is stored gets its answer, even if the caller has gone by then.
    turn, written = await asyncio.shield(asyncio.ensure_future(start()))
    if stream:
        return replies.streamed(written.read())
    await written.wait()
    return replies.whole(turn.answer, written.failure)


async def fitted(turn: Turn) -> Turn:
    """With its prompt cut to the context. Nobody waits for a connection while that is counted."""
    if context.is_short(turn.prompt):
        return turn
    return replace(turn, prompt=await beside_database(context.fitted, turn.prompt))


class ChatViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Chat]):
    scope_area = "chat"
    serializer_class = serializers.ChatSerializer
    pagination_class = Pagination
    list_filters = ("search",)

    def get_queryset(self) -> QuerySet[Chat]:
        chats = chats_of(self.request).order_by("-updated_at", "-id")
        search = wanted_text(self.request)
        return chats.search(search) if search else chats

    @schema.list_chats
    def list(self, request: Request) -> Response:
        return super().list(request)

    @schema.start_chat
    async def create(self, request: ApiRequest) -> HttpResponseBase:
        asked = await validated(request, serializers.NewChatSerializer)
        asked["model"] = asked["model"] or await catalog.default_name()
        return await answer(request, asked, services.start_chat)

    @schema.get_chat
    def retrieve(self, request: Request, chat_id: str) -> Response:
        return Response(self.shown(chat_id))

    def shown(self, chat_id: str) -> Any:
        return self.get_serializer(chat_of(self.request, chat_id)).data

    @schema.change_chat
    def partial_update(self, request: Request, chat_id: str) -> Response:
        chat = chat_of(request, chat_id)
        changes = validate(serializers.ChatChangeSerializer, request.data)
        upkeep.change_chat(chat, **changes)
        return Response(self.shown(chat_id))

    @schema.delete_chat
    async def destroy(self, request: ApiRequest, chat_id: str) -> HttpResponse:
        chat = await in_database(chat_of, request, chat_id)
        await stop_answer(chat)  # so that what it has used is counted
        await in_database(upkeep.delete_chat, chat)
        return HttpResponse(status=204)

    @schema.get_history
    def history(self, request: Request, chat_id: str) -> Response:
        chat = chat_of(request, chat_id)
        everything = request.query_params.get("all") == "true"
        messages = [*(chat.messages.order_by("id") if everything else chat.branch())]
        citations.attach(messages, chat.owner_id)
        shown = [message.as_json() for message in messages]
        return Response(
            {
                "chat_id": chat.public_id,
                "messages": shown,
                "created_at": rfc3339(chat.created_at),
                "updated_at": max(
                    [rfc3339(chat.updated_at), *(message["timestamp"] for message in shown)]
                ),
            }
        )

    @schema.stop
    async def stop(self, request: ApiRequest, chat_id: str) -> HttpResponse:
        chat = await in_database(chat_of, request, chat_id)
        message = await stop_answer(chat)
        return JsonResponse(
            {"stopped": message is not None, "message": message.as_json() if message else None}
        )

    @schema.read_stream
    async def stream(self, request: ApiRequest, chat_id: str) -> HttpResponseBase:
        last_event_id = request.headers.get("Last-Event-ID") or request.GET.get("last_event_id")
        position = readers.parse_position(last_event_id) if last_event_id else None
        message = await in_database(_streamed_message, request, chat_id, position)
        if position is None:
            return replies.streamed(readers.from_start(message))
        return replies.streamed(readers.follow(position))


def _streamed_message(
    request: ApiRequest, chat_id: str, position: readers.Position | None
) -> Message:
    """The answer to read: the one that was being read, else the one in progress, else the last."""
    chat = chat_of(request, chat_id)
    answers = chat.messages.filter(role=Role.ASSISTANT)
    if position is not None:
        return answers.get_public(position.public_message_id)
    if running := answers.answers_in_progress().first():
        return running
    if chat.leaf is None:
        raise ResourceNotFound("There is no answer in this chat.")
    return chat.leaf


async def stop_answer(chat: Chat) -> Message | None:
    """Ends the answer that is being written, here or at another process. None: there is none."""
    message = await in_database(ending.request_stop, chat)
    if message is None:
        return None
    if not await generation.stop(message.id):
        while True:  # its keeper hears of it within a second, or its lease runs out
            if await in_view_thread(partial(ending.has_ended, message)):
                break
            await asyncio.sleep(POLL_SECONDS)
    return await in_view_thread(partial(_with_sources, chat, message.pk))


def _with_sources(chat: Chat, message_id: UUID) -> Message:
    message = chat.messages.get(pk=message_id)
    citations.attach([message], chat.owner_id)
    return message


class MessageViewSet(ViewSet):
    scope_area = "chat"

    @schema.continue_chat
    async def create(self, request: ApiRequest, chat_id: str) -> HttpResponseBase:
        asked = await validated(request, serializers.QuestionSerializer)

        def begin(**asked: Any) -> Turn:
            return services.continue_chat(chat_of(request, chat_id), **asked)

        return await answer(request, asked, begin)

    @schema.edit_message
    async def update(self, request: ApiRequest, chat_id: str, message_id: str) -> HttpResponseBase:
        asked = await validated(request, serializers.QuestionSerializer)

        def begin(**asked: Any) -> Turn:
            return services.edit_message(_message(request, chat_id, message_id), **asked)

        return await answer(request, asked, begin)

    @schema.regenerate
    async def regenerate(
        self, request: ApiRequest, chat_id: str, message_id: str
    ) -> HttpResponseBase:
        asked = await validated(request, serializers.OptionsSerializer)

        def begin(**asked: Any) -> Turn:
            return services.regenerate(_message(request, chat_id, message_id), **asked)

        return await answer(request, asked, begin)

    @schema.give_feedback
    def feedback(self, request: Request, chat_id: str, message_id: str) -> Response:
        message = _message(request, chat_id, message_id)
        feedback = validate(serializers.FeedbackSerializer, request.data)
        upkeep.give_feedback(message, **feedback)
        citations.attach([message], message.chat.owner_id)
        return Response(message.as_json())


def _message(request: HttpRequest | Request, chat_id: str, message_id: str) -> Message:
    chat = chat_of(request, chat_id)
    messages = chat.messages.select_related("chat", "parent")
    message: Message = messages.get_public(message_id)
    return message


class ModelViewSet(ViewSet):
    scope_area = "chat"

    @schema.list_models
    async def list(self, request: ApiRequest) -> HttpResponse:
        names = await catalog.known_names()
        results = [{"id": name, "default": name == names[0]} for name in names]
        return JsonResponse({"results": results})
