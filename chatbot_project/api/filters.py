"""Query parameters that narrow the lists of several areas, read alike in all of them."""

from rest_framework.request import Request

from chatbot_project.api.errors import InvalidRequest

LONGEST_SEARCH = 1_000  # characters


def wanted_tags(request: Request) -> list[str]:
    """Those of `tags`, repeated or with commas in between; empty: any."""
    given = request.query_params.getlist("tags")
    tags = (tag.strip() for value in given for tag in value.split(","))
    return [tag for tag in tags if tag]


def wanted_text(request: Request) -> str:
    """What `search` asks for; empty: everything. Raises InvalidRequest."""
    text = request.query_params.get("search", "").strip()
    if len(text) > LONGEST_SEARCH:
        reason = f"Must have at most {LONGEST_SEARCH} characters."
        raise InvalidRequest(invalid_fields={"search": [reason]})
    return text
