"""What the OpenAPI schema says of the file API. The examples are those of the reference."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from chatbot_project.api.examples import answer, body
from files import serializers
from files.models import Status
from knowledge.models import Visibility

TAGS = ["Files"]
UPLOADED: dict[str, Any] = {
    "id": "file_01jgxm6d9ef8g6h4j2k0m8n6p4",
    "filename": "document.pdf",
    "size": 1024000,
    "type": "application/pdf",
    "status": "processing",
    "upload_url": "https://your-domain.com/api/files/file_01jgxm6d9ef8g6h4j2k0m8n6p4/download"
    "?expires=1736254800&signature=q0v5n7b4c6d1",
    "created_at": "2025-01-06T12:00:00Z",
    "description": "Optional file description",
    "tags": ["tag1", "tag2"],
    "visibility": "private",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "duplicate_of": None,
    "processed_at": None,
    "chunks_created": 0,
    "error": None,
    "stage": "queued",
    "progress": 0,
}
CHANGE = {"description": "The latest price list", "tags": ["prices"]}
FORM = {"file": "(the bytes of document.pdf)", **{n: UPLOADED[n] for n in ("description", "tags")}}
PROCESSED = {
    "id": UPLOADED["id"],
    "status": "completed",
    "processed_at": "2025-01-06T12:01:30Z",
    "chunks_created": 15,
    "error": None,
    "stage": "done",
    "progress": 100,
}
COMPLETED = UPLOADED | PROCESSED
AGAIN = UPLOADED | {"stage": "queued", "progress": 0}
CANCELLED = UPLOADED | {
    "status": "failed",
    "processed_at": "2025-01-06T12:01:30Z",
    "error": "Processing was cancelled.",
    "stage": "embedding",
    "progress": 40,
}


upload_file = extend_schema(
    tags=TAGS,
    operation_id="upload_file",
    summary="Upload a file to the knowledge base",
    description="The answer comes when the file is stored. Its processing goes on: ask for its "
    "status, or have a webhook told of `file.processed`. With an Idempotency-Key the same file "
    "with the same fields is stored once.",
    request={"multipart/form-data": serializers.UploadBodySerializer},
    responses={201: serializers.FileSerializer},
    examples=[
        body("A file", FORM, "multipart/form-data"),
        answer("The file", UPLOADED, "201"),
    ],
)
list_files = extend_schema(
    tags=TAGS,
    operation_id="list_files",
    summary="List files, the latest first",
    description="Your own, and what is shared.",
    parameters=[
        OpenApiParameter("status", str, enum=Status.values),
        OpenApiParameter("type", str, description="The media type: application/pdf, ..."),
        OpenApiParameter(
            "tags", str, many=True, description="Has all of these. Repeated, or with commas."
        ),
        OpenApiParameter("visibility", str, enum=Visibility.values),
        OpenApiParameter("search", str, description="Words in the file name or the description."),
    ],
    responses=serializers.FileSerializer(many=True),
    examples=[answer("Files", COMPLETED)],
)
get_file = extend_schema(
    tags=TAGS,
    operation_id="get_file",
    summary="Get a file",
    responses=serializers.FileSerializer,
    examples=[answer("The file", COMPLETED)],
)
get_status = extend_schema(
    tags=TAGS,
    operation_id="get_file_status",
    summary="Get how far the processing of a file is",
    responses=serializers.ProcessedSerializer,
    examples=[answer("It has ended", PROCESSED)],
)
BYTES = (OpenApiTypes.BINARY, "*/*")
download_file = extend_schema(
    tags=TAGS,
    operation_id="download_file",
    summary="Download a file",
    description="With a key, or by a file's `upload_url` without one. Always as an attachment.",
    auth=None,
    parameters=[
        OpenApiParameter("expires", str, description="Of an `upload_url`."),
        OpenApiParameter("signature", str, description="Of an `upload_url`."),
        OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="`bytes=0-1023`"),
        OpenApiParameter(
            "If-Range",
            str,
            OpenApiParameter.HEADER,
            description="An ETag or a date: the whole file is sent if it has another.",
        ),
        OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        OpenApiParameter("If-Match", str, OpenApiParameter.HEADER),
    ],
    responses={
        (200, "*/*"): OpenApiResponse(OpenApiTypes.BINARY, "The whole file."),
        (206, "*/*"): OpenApiResponse(OpenApiTypes.BINARY, "The range that was asked for."),
        304: OpenApiResponse(description="Not changed since the ETag in If-None-Match."),
        416: OpenApiResponse(description="The file has no such range."),
    },
)
change_file = extend_schema(
    tags=TAGS,
    operation_id="change_file",
    summary="Change a file's description, tags or visibility",
    request=serializers.FileChangeSerializer,
    responses=serializers.FileSerializer,
    examples=[body("Another description", CHANGE), answer("The file", COMPLETED | CHANGE)],
)
delete_file = extend_schema(
    tags=TAGS,
    operation_id="delete_file",
    summary="Delete a file: nothing of it is found any more",
    responses={204: None},
)
reprocess_file = extend_schema(
    tags=TAGS,
    operation_id="reprocess_file",
    summary="Process a file again",
    description="What it has in the knowledge base is found until the new chunks replace it, and "
    "stays where that fails. 409 while it is being processed.",
    request=None,
    responses=serializers.FileSerializer,
    examples=[answer("It is queued", AGAIN)],
)
cancel_file = extend_schema(
    tags=TAGS,
    operation_id="cancel_file",
    summary="Cancel the processing of a file",
    description="The file stays, failed; so do chunks of an earlier processing. 409 where its "
    "processing has ended.",
    request=None,
    responses=serializers.FileSerializer,
    examples=[answer("It has ended", CANCELLED)],
)
