"""What the OpenAPI schema says of the knowledge API. The examples are those of the reference."""

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from chatbot_project.api.examples import answer, body
from knowledge import serializers
from knowledge.models import SourceType

TAGS = ["Knowledge"]
SOURCE = {
    "id": "src_01jh0000000000000000000000",
    "title": "Important Note",
    "filename": None,
    "source_type": "manual",
    "visibility": "private",
    "tags": ["important", "note"],
    "metadata": {"category": "general"},
    "chunks_created": 1,
    "created_at": "2025-01-06T12:00:00Z",
    "updated_at": "2025-01-06T12:00:00Z",
}
CHUNK = {
    "id": "chunk_01jh0000000000000000000001",
    "position": 0,
    "content": "This is important information to remember.",
    "token_count": 7,
    "metadata": {"page": None, "section": None},
}
ADDED = {**SOURCE, "content": CHUNK["content"]}
CHANGE = {"title": "Very Important Note", "tags": ["important"]}
TEXT = {
    "content": "This is important information to remember.",
    "title": "Important Note",
    "source_type": "manual",
    "tags": ["important", "note"],
    "metadata": {"category": "general"},
}

search = extend_schema(
    tags=TAGS,
    operation_id="search_knowledge",
    summary="Search the knowledge base",
    description="By meaning (`semantic`), by words (`text`), or by both (`hybrid`, unless you say "
    "otherwise), in your own knowledge and what is shared. Scores are from 0 to 1 and comparable "
    "between queries of a type.",
    request=serializers.SearchSerializer,
    responses=serializers.ResultsSerializer,
    examples=[
        body(
            "A question",
            {
                "query": "How to integrate with Microsoft Teams?",
                "type": "semantic",
                "limit": 5,
                "filters": {"source_type": "document", "tags": ["integration"]},
            },
        ),
        answer(
            "A page of a file",
            {
                "results": [
                    {
                        "id": "chunk_01jh0000000000000000000000",
                        "content": "To integrate with Microsoft Teams...",
                        "score": 0.95,
                        "source": {
                            "id": "file_01jh0000000000000000000000",
                            "filename": "teams-integration.pdf",
                            "type": "document",
                            "title": "Teams integration",
                            "tags": ["integration"],
                            "metadata": {},
                        },
                        "metadata": {"page": 3, "section": "Integration Setup"},
                    }
                ],
                "total": 1,
                "query_time": 0.15,
            },
        ),
    ],
)
add_text = extend_schema(
    tags=TAGS,
    operation_id="add_knowledge",
    summary="Add content directly to the knowledge base",
    description="It can be found when the call returns. Up to 100,000 characters. Two such calls "
    "of an account are worked on at once, and eight more wait; others are answered with 429.",
    request=serializers.TextSerializer,
    responses={201: OpenApiResponse(serializers.AddedSerializer, "Added.")},
    examples=[
        body("A note", TEXT),
        answer("Added", ADDED, "201"),
    ],
)
add_texts = extend_schema(
    tags=TAGS,
    operation_id="add_knowledge_batch",
    summary="Add up to 100 texts, all of them or none",
    description="Up to 100,000 characters in all.",
    request=serializers.TextsSerializer,
    responses={201: OpenApiResponse(serializers.AddedTextsSerializer, "Added, in your order.")},
    examples=[
        body("Two notes", {"items": [TEXT, TEXT]}),
        answer("Added", {"results": [ADDED, ADDED]}, "201"),
    ],
)
list_sources = extend_schema(
    tags=TAGS,
    operation_id="list_knowledge",
    summary="List what is in the knowledge base, the latest first",
    description="Your own texts, files and documents, and what is shared.",
    parameters=[
        OpenApiParameter("source_type", str, enum=SourceType.values),
        OpenApiParameter(
            "tags", str, many=True, description="Has all of these. Repeated, or with commas."
        ),
        OpenApiParameter("search", str, description="Words in the title or the file name."),
    ],
    responses=serializers.SourceSerializer(many=True),
    examples=[answer("Sources", SOURCE)],
)
get_source = extend_schema(
    tags=TAGS,
    operation_id="get_knowledge",
    summary="Get something in the knowledge base, with its first 100 chunks",
    responses=serializers.SourceWithChunksSerializer,
    examples=[answer("A text", {**ADDED, "chunks": [CHUNK]})],
)
list_chunks = extend_schema(
    tags=TAGS,
    operation_id="list_chunks",
    summary="List the chunks of something in the knowledge base, in their order",
    responses=serializers.ChunkSerializer(many=True),
    examples=[answer("Chunks", CHUNK)],
)
change_text = extend_schema(
    tags=TAGS,
    operation_id="change_knowledge",
    summary="Change a text, its title, tags, metadata or visibility",
    request=serializers.TextChangeSerializer,
    responses=serializers.AddedSerializer,
    examples=[body("Another title", CHANGE), answer("The text", ADDED | CHANGE)],
)
delete_source = extend_schema(
    tags=TAGS,
    operation_id="delete_knowledge",
    summary="Delete a text: it is not found any more",
    responses={204: None},
)
