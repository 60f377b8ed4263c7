"""Talking to the file API as its users do, in a word; and being its worker."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from files import processing

Json = dict[str, Any]
TIDES = b"The moon moves the sea: that makes the tides."


def error_of(response: Any) -> Json:
    """What stands in the error format of the API."""
    assert set(response.json()) == {"error"}, response.content
    error: Json = response.json()["error"]
    assert set(error) == {"code", "message", "details"}
    return error


def work() -> int:
    """What workers do, once they are called. How many files they took up."""
    done = 0
    while processing.process_next():
        done += 1
    return done


class Files:
    """One account's. What is named after a verb has to be a success and returns its JSON."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def send(
        self, content: bytes = TIDES, name: str = "tides.txt", key: str = "", **fields: Any
    ) -> Any:
        """The response to an upload."""
        headers = {"Idempotency-Key": key} if key else {}
        file = SimpleUploadedFile(name, content)
        return self.client.post("/api/files/upload", {"file": file, **fields}, headers=headers)

    def upload(self, content: bytes = TIDES, name: str = "tides.txt", **fields: Any) -> Json:
        return self._json(self.send(content, name, **fields), 201)

    def call(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        sent = {} if body is None else {"data": body, "content_type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.client, method)(f"/api/files{path}", headers=named, **sent)

    def get(self, path: str = "", **query: Any) -> Json:
        return self._json(self.client.get(f"/api/files{path}", query), 200)

    def status(self, id: str) -> Json:
        return self.get(f"/{id}/status")

    def patch(self, id: str, **fields: Any) -> Json:
        return self._json(self.call("patch", f"/{id}", fields), 200)

    def post(self, id: str, verb: str) -> Json:
        """`reprocess` or `cancel`."""
        return self._json(self.call("post", f"/{id}/{verb}"), 200)

    def delete(self, id: str) -> None:
        assert self.call("delete", f"/{id}").status_code == 204

    def found(self, query: str = "tides", **filters: Any) -> list[str]:
        """The ids of the sources of what a search finds."""
        body = {"query": query, "limit": 50, "filters": filters}
        response = self.client.post("/api/knowledge/search", body, content_type="application/json")
        return [each["source"]["id"] for each in self._json(response, 200)["results"]]

    @staticmethod
    def _json(response: Any, status: int) -> Json:
        assert response.status_code == status, response.content
        shown: Json = response.json()
        return shown
