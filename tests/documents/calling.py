"""Talking to the document API as its users do, in a word."""

from typing import Any

from django.test import Client

Json = dict[str, Any]


def error_of(response: Any) -> Json:
    """What stands in the error format of the API."""
    assert set(response.json()) == {"error"}, response.content
    error: Json = response.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert error["details"]["request_id"] == response.headers["X-Request-Id"]
    return error


class Documents:
    """One account's. What is named after a verb has to be a success and returns its JSON."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def call(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        """`call("put", "/doc_...", {...}, if_match=etag)`."""
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = getattr(self.client, method)
        return request(f"/api/documents{path}", headers=named, **sent)

    def create(self, **fields: Any) -> Json:
        return self._json(self.call("post", "", {"title": "Plan", "content": "", **fields}), 201)

    def get(self, path: str = "", **query: Any) -> Json:
        response = self.client.get(f"/api/documents{path}", query)
        return self._json(response, 200)

    def put(self, id: str, /, **fields: Any) -> Json:
        return self._json(self.call("put", f"/{id}", fields), 200)

    def patch(self, id: str, /, **fields: Any) -> Json:
        return self._json(self.call("patch", f"/{id}", fields), 200)

    def restore(self, id: str, version: int) -> Json:
        return self._json(self.call("post", f"/{id}/restore", {"version": version}), 200)

    def etag(self, id: str) -> str:
        return str(self.call("get", f"/{id}").headers["ETag"])

    def versions(self, id: str) -> list[Json]:
        """All of them, whole, the oldest first."""
        listed = self.get(f"/{id}/versions", limit=100)
        assert listed["total"] == len(listed["results"])
        numbers = sorted(version["version"] for version in listed["results"])
        return [self.get(f"/{id}/versions/{number}") for number in numbers]

    @staticmethod
    def _json(response: Any, status: int) -> Json:
        assert response.status_code == status, response.content
        shown: Json = response.json()
        return shown
