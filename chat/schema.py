"""What the OpenAPI schema says of the chat API. The examples are those of the reference."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from chat import serializers

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

ANSWER = OpenApiExample(
    "A whole answer",
    response_only=True,
    media_type="application/json",
    value={
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
        "created_at": "2025-01-06T12:00:00Z",
    },
)
STREAMED = OpenApiExample(
    "A stream", response_only=True, media_type="text/event-stream", value=STREAM
)
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
        OpenApiExample(
            "A first message",
            request_only=True,
            value={
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
        OpenApiExample(
            "A question",
            request_only=True,
            value={"message": "Can you help me write a Python function?", "stream": False},
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
    examples=[ANSWER, STREAMED],
)
regenerate = extend_schema(
    tags=TAGS,
    operation_id="regenerate_message",
    summary="Answer the same question again: a new branch",
    request=serializers.OptionsSerializer,
    responses=ANSWERS,
    examples=[ANSWER, STREAMED],
)
give_feedback = extend_schema(
    tags=TAGS,
    operation_id="give_feedback",
    summary="Rate an answer",
    request=serializers.FeedbackSerializer,
    responses=serializers.MessageSerializer,
)
list_chats = extend_schema(
    tags=TAGS,
    operation_id="list_chats",
    summary="List chats, the latest first",
    parameters=[
        OpenApiParameter("search", str, description="Words in the title or in any message.")
    ],
)
get_chat = extend_schema(tags=TAGS, operation_id="get_chat", summary="Get a chat")
change_chat = extend_schema(
    tags=TAGS,
    operation_id="change_chat",
    summary="Rename a chat, or set its metadata",
    request=serializers.ChatChangeSerializer,
    responses=serializers.ChatSerializer,
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
)
stop = extend_schema(
    tags=TAGS,
    operation_id="stop_answer",
    summary="Stop the answer that is being written",
    request=None,
    responses=serializers.StopSerializer,
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
)
