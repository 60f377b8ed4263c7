"""Chats and their messages. A chat is a tree: an edit or a new answer begins another branch."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Length, Substr
from django.utils import timezone

from accounts.models import ApiKey, User
from chatbot_project.api import ids
from chatbot_project.api.errors import ResourceNotFound
from chatbot_project.api.times import rfc3339

TITLE_LENGTH = 200


class ChatQuerySet(models.QuerySet["Chat"]):
    def get_public(self, public_id: str) -> "Chat":
        """The chat behind `chat_...`. Raises ResourceNotFound."""
        chat = self.filter(pk=ids.decode("chat", public_id)).first()
        if chat is None:
            raise ResourceNotFound("There is no such chat.")
        return chat

    def search(self, term: str) -> "ChatQuerySet":
        """Chats with `term` in the title or in any message."""
        said = Message.objects.filter(chat=OuterRef("pk"), content__icontains=term)
        return self.filter(Q(title__icontains=term) | Exists(said))


class Chat(models.Model):
    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="chats")
    title = models.CharField(max_length=TITLE_LENGTH)
    title_wanted = models.BooleanField(default=False)  # a worker is to write a better one
    model = models.CharField(max_length=200)
    system = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)
    # The newest message of the branch that is shown and continued.
    leaf = models.ForeignKey("Message", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = ChatQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["owner", "-updated_at", "-id"], name="chats_of_an_owner"),
            models.Index(fields=["id"], condition=Q(title_wanted=True), name="chats_without_title"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def public_id(self) -> str:
        return ids.encode("chat", self.id)

    def branch(self) -> Iterable["Message"]:
        """The messages of the active branch, oldest first."""
        return Message.objects.branch(self.leaf_id)


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class Status(models.TextChoices):
    GENERATING = "generating"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


class Rating(models.TextChoices):
    UP = "up"
    DOWN = "down"


BRANCH = """
WITH RECURSIVE branch AS (
    SELECT m.*, 0 AS depth FROM chat_message m WHERE m.id = %s
    UNION ALL
    SELECT m.*, branch.depth + 1 FROM chat_message m JOIN branch ON m.id = branch.parent_id
    WHERE branch.depth < %s
)
SELECT * FROM branch ORDER BY depth DESC
"""
WHOLE_BRANCH = 1_000_000


class MessageQuerySet(models.QuerySet["Message"]):
    def get_public(self, public_id: str) -> "Message":
        """The message behind `msg_...`. Raises ResourceNotFound."""
        message = self.filter(pk=ids.decode("msg", public_id)).first()
        if message is None:
            raise ResourceNotFound("There is no such message.")
        return message

    def branch(self, leaf_id: object, length: int = WHOLE_BRANCH) -> Iterable["Message"]:
        """The message `leaf_id` and the ones before it, oldest first, `length` of them at most."""
        return self.raw(BRANCH, [leaf_id, length - 1]) if leaf_id else []

    def after(self, characters: int) -> "MessageQuerySet":
        """Messages with `length` and `rest` in place of `content`: how many characters it has, and
        those behind the first so many. That must be less than 2**31 - 1."""
        rest = Substr("content", characters + 1)
        return self.defer("content").annotate(length=Length("content"), rest=rest)

    def answers_in_progress(self) -> "MessageQuerySet":
        return self.filter(status=Status.GENERATING)


class Message(models.Model):
    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    role = models.CharField(max_length=10, choices=Role)
    content = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.COMPLETED)
    error = models.CharField(max_length=40, blank=True)  # an error code of the API
    finish_reason = models.CharField(max_length=40, blank=True)  # the provider's word
    model = models.CharField(max_length=200, blank=True)
    provider_model = models.CharField(max_length=200, blank=True)
    options = models.JSONField(default=dict)  # what the request set: temperature, ...
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    attachments = models.JSONField(default=list)  # of a question: see chat.attaching
    # What an answer did on its way: see chat.tool_use. Of calls that it has yet to end, none.
    tool_calls = models.JSONField(default=list)
    rating = models.CharField(max_length=4, choices=Rating, blank=True)
    comment = models.TextField(blank=True)
    # The passages it rests on, in the order of their numbers: see citations.py.
    citations = models.JSONField(default=list)
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")
    # While it is generated: alive until then, unless the process that writes it says so again.
    lease_expires_at = models.DateTimeField(null=True)
    stop_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(null=True)

    objects: ClassVar = MessageQuerySet.as_manager()
    may_cite = False  # of one that begins: there is knowledge to look up

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["chat"],
                condition=Q(status=Status.GENERATING),
                name="one_answer_at_a_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(status=Status.GENERATING),
                name="answers_in_progress",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.encode("msg", self.id)

    @property
    def usage(self) -> dict[str, int] | None:
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The citations as the API shows them. Of a message that has any, `citations.attach` sets
        them first."""
        return self._sources if self.citations else []

    @sources.setter
    def sources(self, shown: list[dict[str, Any]]) -> None:
        self._sources = shown

    def as_prompt(self) -> dict[str, Any]:
        return {"role": self.role, "content": self.content}

    def as_json(self) -> dict[str, Any]:
        """The message as the API shows it in a history."""
        shown: dict[str, Any] = {
            "id": self.public_id,
            "role": self.role,
            "content": self.content,
            "timestamp": rfc3339(self.completed_at or self.created_at),
            "status": self.status,
            "parent_id": ids.encode("msg", self.parent_id) if self.parent_id else None,
        }
        if self.role == Role.USER:
            shown["attachments"] = self.attachments
        else:
            shown |= {
                "model": self.model,
                "provider_model": self.provider_model,
                "finish_reason": self.finish_reason or None,
                "usage": self.usage,
                "tool_calls": self.tool_calls,
                "sources": self.sources,
                "error": {"code": self.error} if self.error else None,
                "feedback": {"rating": self.rating, "comment": self.comment}
                if self.rating
                else None,
            }
        return shown
