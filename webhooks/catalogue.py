"""Every type of event, with a real example of its data. Help and OpenAPI show these."""

from typing import Any, NamedTuple


class EventType(NamedTuple):
    summary: str
    data: dict[str, Any]


PING = "ping"
EVENT_ID = "evt_01jgxm2v5se2r9q0v5n7b4c6d1"
CHAT = "chat_01jgxm0q3me8x9v1t7r5p3n2k4"
QUESTION = "msg_01jgxm0q3mf0a1b2c3d4e5f6g7"
ANSWER = "msg_01jgxm0q3mg8h9j0k1m2n3p4q5"
USER = "user_01jgxkz7w0r6s4t2v0w8x6y4z2"
DOCUMENT = {
    "id": "doc_01jgxm4b8ce6f4g2h0j8k6m4n2",
    "title": "My Document",
    "content": "# Document Title\n\nThis is the document content.",
    "type": "markdown",
    "language": None,
    "knowledge": False,
    "version": 1,
    "created_at": "2025-01-06T12:00:00Z",
    "updated_at": "2025-01-06T12:00:00Z",
}

CATALOGUE: dict[str, EventType] = {
    "chat.message": EventType(
        "A chat has a new message: of the user, or of the assistant once it has ended.",
        {
            "chat_id": CHAT,
            "message_id": QUESTION,
            "user_id": USER,
            "content": "Hello, world!",
            "role": "user",
        },
    ),
    "chat.completed": EventType(
        "An answer has ended: completed, stopped or failed, as `status` says.",
        {
            "chat_id": CHAT,
            "message_id": ANSWER,
            "user_id": USER,
            "role": "assistant",
            "content": "Hello! I'm here to help you with any questions or tasks you have.",
            "timestamp": "2025-01-06T12:00:05Z",
            "status": "completed",
            "parent_id": QUESTION,
            "model": "gpt-4",
            "provider_model": "gpt-4-0613",
            "finish_reason": "stop",
            "usage": {"prompt_tokens": 15, "completion_tokens": 25, "total_tokens": 40},
            "tool_calls": [],
            "sources": [],
            "error": None,
            "feedback": None,
        },
    ),
    "document.created": EventType("A document has been created.", DOCUMENT),
    "document.updated": EventType(
        "A document has a new version.",
        {
            **DOCUMENT,
            "title": "Updated Document",
            "content": "# Updated Document Title\n\nThis is the updated content.",
            "version": 2,
            "updated_at": "2025-01-06T12:05:00Z",
        },
    ),
    "file.uploaded": EventType(
        "A file has been uploaded to the knowledge base. Its processing begins.",
        {
            "id": "file_01jgxm6d9ef8g6h4j2k0m8n6p4",
            "filename": "document.pdf",
            "size": 1024000,
            "type": "application/pdf",
            "status": "processing",
            "upload_url": "https://your-domain.com/api/files/file_01jgxm6d9ef8g6h4j2k0m8n6p4"
            "/download?expires=1736254800&signature=kP9vQ2x",
            "created_at": "2025-01-06T12:00:00Z",
        },
    ),
    "file.processed": EventType(
        "The processing of a file has ended: completed or failed, as `status` says.",
        {
            "id": "file_01jgxm6d9ef8g6h4j2k0m8n6p4",
            "status": "completed",
            "processed_at": "2025-01-06T12:01:30Z",
            "chunks_created": 15,
            "error": None,
        },
    ),
    "knowledge.added": EventType(
        "Content has been added to the knowledge base directly.",
        {
            "id": "src_01jgxm8f0gh2j0k8m6n4p2q0r8",
            "title": "Important Note",
            "filename": None,
            "source_type": "manual",
            "visibility": "private",
            "tags": ["important", "note"],
            "metadata": {"category": "general"},
            "chunks_created": 1,
            "created_at": "2025-01-06T12:00:00Z",
            "updated_at": "2025-01-06T12:00:00Z",
            "content": "This is important information to remember.",
        },
    ),
}


def example_of(type: str) -> dict[str, Any]:
    """A whole body, as an endpoint receives it."""
    data = CATALOGUE[type].data
    return {"id": EVENT_ID, "event": type, "timestamp": "2025-01-06T12:00:00Z", "data": data}
