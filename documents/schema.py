"""What the OpenAPI schema says of the document API. The examples are those of the reference."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema

from chatbot_project.api.examples import answer, body
from documents import serializers
from documents.models import Type

TAGS = ["Documents"]
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that you have read, or that came with your last change: 412 if the "
    "document has changed since. Without it, the change is made to whatever is there.",
)
DOCUMENT: dict[str, Any] = {
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
NEW = {name: DOCUMENT[name] for name in ("title", "content", "type")}
CHANGE = {
    "content": "# Updated Document Title\n\nThis is the updated content.",
    "title": "Updated Document",
}
UPDATED = {**DOCUMENT, **CHANGE, "version": 2, "updated_at": "2025-01-06T12:05:00Z"}
VERSION: dict[str, Any] = {
    "document_id": DOCUMENT["id"],
    "version": 1,
    "title": "My Document",
    "type": "markdown",
    "language": None,
    "size": 47,
    "restored_from": None,
    "created_at": "2025-01-06T12:00:00Z",
}
DIFF = {
    "from": 1,
    "to": 2,
    "changes": {"title": {"from": "My Document", "to": "Updated Document"}},
    "additions": 1,
    "deletions": 1,
    "unified": "--- version 1\n+++ version 2\n@@ -1,2 +1,2 @@\n # Title\n-Old.\n+New.\n",
    "hunks": [
        {
            "old_start": 1,
            "old_lines": 2,
            "new_start": 1,
            "new_lines": 2,
            "pieces": [
                {"op": "equal", "lines": ["# Title\n"]},
                {"op": "delete", "lines": ["Old.\n"]},
                {"op": "insert", "lines": ["New.\n"]},
            ],
        }
    ],
}


list_documents = extend_schema(
    tags=TAGS,
    operation_id="list_documents",
    summary="List documents, the latest changed first",
    parameters=[
        OpenApiParameter("type", str, enum=Type.values, description="Only documents of this type."),
        OpenApiParameter(
            "search",
            str,
            description="Only documents with all of these words in title or content, in any of "
            "their forms: `running` finds `runs`.",
        ),
    ],
    responses=serializers.ListedDocumentSerializer(many=True),
    examples=[answer("Documents", DOCUMENT)],
)
create_document = extend_schema(
    tags=TAGS,
    operation_id="create_document",
    summary="Create a document",
    request=serializers.NewDocumentSerializer,
    responses={201: serializers.DocumentSerializer},
    examples=[body("A new document", NEW), answer("The document", DOCUMENT, "201")],
)
get_document = extend_schema(
    tags=TAGS,
    operation_id="get_document",
    summary="Get a document",
    responses=serializers.DocumentSerializer,
    examples=[answer("The document", DOCUMENT)],
)
CHANGING: dict[str, Any] = {
    "tags": TAGS,
    "request": serializers.DocumentChangeSerializer,
    "responses": serializers.DocumentSerializer,
    "parameters": [IF_MATCH],
    "description": "Makes a new version, or none when nothing changes. Absent fields stay as they "
    "are. Changes that arrive at once are made one after the other.",
    "examples": [body("A change", CHANGE), answer("Its new version", UPDATED)],
}
update_document = extend_schema(
    operation_id="update_document", summary="Update a document", **CHANGING
)
change_document = extend_schema(
    operation_id="change_document", summary="Change a document: the same as PUT", **CHANGING
)
delete_document = extend_schema(
    tags=TAGS,
    operation_id="delete_document",
    summary="Delete a document with all its versions",
    parameters=[IF_MATCH],
    responses={204: None},
)
restore_document = extend_schema(
    tags=TAGS,
    operation_id="restore_document",
    summary="Go back to an earlier version",
    description="Appends a version that is the same as the earlier one: history only grows.",
    parameters=[IF_MATCH],
    request=serializers.RestoreSerializer,
    responses=serializers.DocumentSerializer,
    examples=[body("To the first version", {"version": 1}), answer("Its new version", UPDATED)],
)
diff_document = extend_schema(
    tags=TAGS,
    operation_id="diff_document",
    summary="Compare two versions",
    parameters=[
        OpenApiParameter("from", int, description="The one before. Default: that before `to`."),
        OpenApiParameter("to", int, description="The one after. Default: the newest."),
    ],
    responses=serializers.DiffSerializer,
    examples=[answer("A difference", DIFF)],
)
list_versions = extend_schema(
    tags=TAGS,
    operation_id="list_versions",
    summary="List the versions of a document, the newest first",
    responses=serializers.ListedVersionSerializer(many=True),
    examples=[answer("Versions", VERSION)],
)
get_version = extend_schema(
    tags=TAGS,
    operation_id="get_version",
    summary="Get a version of a document",
    parameters=[OpenApiParameter("version", int, OpenApiParameter.PATH, description="From 1.")],
    responses=serializers.VersionSerializer,
    examples=[answer("The version", {**VERSION, "content": DOCUMENT["content"]})],
)
