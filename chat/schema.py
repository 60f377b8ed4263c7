"""What the OpenAPI schema says of the chat API. The examples are those of the reference."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from chat import serializers
from chatbot_project.api.examples import answer, body

STREAM = """id: msg_01jh0000000000000000000001.1.0
data: {"type": "start", "chat_id": "chat_01jh...", "message_id": "msg_01jh...", "model": "gpt-4"}

id: msg_01jh0000000000000000000001.2.0.1
data: {"type": "source", "number": 1, "id": "chunk_01jh...", "content": "...", "score": 0.81, ...}

id: msg_01jh0000000000000000000001.3.32.1
data: {"type": "text", "content": "Hello! I'm here to help you with"}

id: msg_01jh0000000000000000000001.4.65.1
data: {"type": "text", "content": " any questions or tasks you have."}

id: msg_01jh0000000000000000000001.5.65.1
data: {"type": "done", "message_id": "msg_01jh...", "status": "completed", "usage": {...}, ...}

"""
EVENTS = """Server-sent events, each `data:` a JSON object with a `type`:

| type | fields |
|---|---|
| `start` | `chat_id`, `message_id`, `model` |
| `source` | `number`, and what `sources` of a whole answer has: a passage cited as `[number]` |
| `text` | `content` |
| `tool` | `id`, `name`, `arguments`, `status` (`running`, then `completed` or `failed`), `result`, `error` |
| `done` | `message_id`, `status`, `finish_reason`, `model`, `provider_model`, `usage`, `tool_calls` |
| `error` | `message_id`, `error` as in the error format |

Every event has an `id`: after a broken connection, send the last one as `Last-Event-ID` to
`GET /api/chat/{chat_id}/stream`. Comments keep the line alive every 15 seconds."""  # noqa: E501 - a row of a table is a line

ANSWERED: dict[str, Any] = {
    "id": "chat_01jh0000000000000000000000",
    "message_id": "msg_01jh0000000000000000000001",
    "message": "Hello! I'm here to help you with any questions or tasks you have.",
    "model": "gpt-4",
    "provider_model": "gpt-4-0613",
    "status": "completed",
    "finish_reason": "stop",
    "usage": {"prompt_tokens": 15, "completion_tokens": 25, "total_tokens": 40},
    "sources": [
        {
            "id": "chunk_01jh0000000000000000000002",
            "content": "To integrate with Microsoft Teams...",
            "score": 0.81,
            "source": {
                "id": "file_01jh0000000000000000000003",
                "filename": "teams-integration.pdf",
                "type": "document",
                "title": "Teams",
                "tags": ["integration"],
                "metadata": {},
            },
            "metadata": {"page": 3, "section": "Integration Setup"},
        }
    ],
    "tool_calls": [],
    "created_at": "2025-01-06T12:00:05Z",
}
ANSWER = answer("A whole answer", ANSWERED, media_type="application/json")
STREAMED = answer("A stream", STREAM, media_type="text/event-stream")
CHAT = {
    "id": ANSWERED["id"],
    "title": "How the assistant can help",
    "model": "gpt-4",
    "system": "",
    "metadata": {},
    "created_at": "2025-01-06T12:00:00Z",
    "updated_at": "2025-01-06T12:00:00Z",
}
CHANGE = {"title": "Teams integration", "metadata": {"ticket": "4711"}}
ASKED: dict[str, Any] = {
    "id": "msg_01jh0000000000000000000000",
    "role": "user",
    "content": "Hello, how can you help me today?",
    "timestamp": "2025-01-06T12:00:00Z",
    "status": "completed",
    "parent_id": None,
    "attachments": [],
}
SHOWN = ("status", "model", "provider_model", "finish_reason", "usage", "tool_calls", "sources")
TOLD: dict[str, Any] = {
    "id": ANSWERED["message_id"],
    "role": "assistant",
    "content": ANSWERED["message"],
    "timestamp": ANSWERED["created_at"],
    "parent_id": ASKED["id"],
    **{name: ANSWERED[name] for name in SHOWN},
    "error": None,
    "feedback": None,
}
HISTORY = {
    "chat_id": CHAT["id"],
    "messages": [ASKED, TOLD],
    "created_at": "2025-01-06T12:00:00Z",
    "updated_at": "2025-01-06T12:00:05Z",
}
FEEDBACK = {"rating": "up", "comment": "Just what I needed."}
STOPPED = TOLD | {"content": "Hello! I'm here", "status": "stopped", "finish_reason": None}
MODELS = {"results": [{"id": "gpt-4", "default": True}, {"id": "extractive", "default": False}]}
ANSWERS = {
    (200, "application/json"): OpenApiResponse(serializers.AnswerSerializer, "The answer."),
    (200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, EVENTS),
}
TAGS = ["Chat"]

start_chat = extend_schema(
    tags=TAGS,
    operation_id="start_chat",
    summary="Start a new chat",
    request=serializers.NewChatSerializer,
    responses=ANSWERS,
    examples=[
        body(
            "A first message",
            {
                "message": "Hello, how can you help me today?",
                "model": "gpt-4",
                "stream": True,
                "attachments": [],
            },
        ),
        ANSWER,
        STREAMED,
    ],
)
continue_chat = extend_schema(
    tags=TAGS,
    operation_id="continue_chat",
    summary="Continue a chat",
    request=serializers.QuestionSerializer,
    responses=ANSWERS,
    examples=[
        body(
            "A question",
            {"message": "Can you help me write a Python function?", "stream": False},
        ),
        ANSWER,
        STREAMED,
    ],
)
edit_message = extend_schema(
    tags=TAGS,
    operation_id="edit_message",
    summary="Edit a message of the user: a new branch, with a new answer",
    request=serializers.QuestionSerializer,
    responses=ANSWERS,
    examples=[body("In other words", {"message": "What can you do?"}), ANSWER, STREAMED],
)
regenerate = extend_schema(
    tags=TAGS,
    operation_id="regenerate_message",
    summary="Answer the same question again: a new branch",
    request=serializers.OptionsSerializer,
    responses=ANSWERS,
    examples=[body("With another temperature", {"temperature": 0.2}), ANSWER, STREAMED],
)
give_feedback = extend_schema(
    tags=TAGS,
    operation_id="give_feedback",
    summary="Rate an answer",
    request=serializers.FeedbackSerializer,
    responses=serializers.MessageSerializer,
    examples=[
        body("Thumbs up", FEEDBACK),
        answer("The answer, rated", TOLD | {"feedback": FEEDBACK}),
    ],
)
list_chats = extend_schema(
    tags=TAGS,
    operation_id="list_chats",
    summary="List chats, the latest first",
    parameters=[
        OpenApiParameter(
            "search", str, description="Text in the title or in a message, in upper or lower case."
        )
    ],
    examples=[answer("Chats", CHAT)],
)
get_chat = extend_schema(
    tags=TAGS, operation_id="get_chat", summary="Get a chat", examples=[answer("A chat", CHAT)]
)
change_chat = extend_schema(
    tags=TAGS,
    operation_id="change_chat",
    summary="Rename a chat, or set its metadata",
    request=serializers.ChatChangeSerializer,
    responses=serializers.ChatSerializer,
    examples=[body("Another title", CHANGE), answer("The chat", CHAT | CHANGE)],
)
delete_chat = extend_schema(
    tags=TAGS,
    operation_id="delete_chat",
    summary="Delete a chat with all its messages",
    responses={204: None},
)
get_history = extend_schema(
    tags=TAGS,
    operation_id="get_history",
    summary="Get a chat's history",
    parameters=[
        OpenApiParameter(
            "all", bool, description="Every branch, not only the active one. Default: false."
        )
    ],
    responses=serializers.HistorySerializer,
    examples=[answer("A question and its answer", HISTORY)],
)
stop = extend_schema(
    tags=TAGS,
    operation_id="stop_answer",
    summary="Stop the answer that is being written",
    request=None,
    responses=serializers.StopSerializer,
    examples=[
        answer("Stopped", {"stopped": True, "message": STOPPED}),
        answer("There was none", {"stopped": False, "message": None}),
    ],
)
read_stream = extend_schema(
    tags=TAGS,
    operation_id="read_stream",
    summary="Follow the answer that is being written, or take up a broken stream",
    parameters=[
        OpenApiParameter(
            "Last-Event-ID",
            str,
            OpenApiParameter.HEADER,
            description="The id of the last event that was received.",
        ),
        OpenApiParameter(
            "last_event_id", str, description="The same, where headers cannot be set."
        ),
    ],
    responses={(200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, EVENTS)},
    examples=[STREAMED],
)
list_models = extend_schema(
    tags=TAGS,
    operation_id="list_models",
    summary="List the models, the default one first",
    responses=serializers.ModelListSerializer,
    examples=[answer("Models", MODELS)],
)
