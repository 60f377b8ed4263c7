"""What is not quite HTTP is refused in the API's format, and never costs a 500."""

import socket

import pytest

from tests.api.wire import HOST, exchange
from tests.live import LiveAccount
from tests.servers import Server

BAD = {
    "no request line": b"GARBAGE\r\n\r\n",
    "a method that is no token": b"G\xc3\xa9T /api/chat HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the path": b"GET /api/\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the query": b"GET /api/chat?search=\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in a header": b"GET /api/chat HTTP/1.1\r\n" + HOST + b"X-A: a\x00b\r\n\r\n",
    "a control character": b"GET /api/chat HTTP/1.1\r\n" + HOST + b"X-A: a\x0bb\r\n\r\n",
    "a header that is not ASCII": b"GET /api/chat HTTP/1.1\r\n" + HOST + b"X-A: \xc3\x85\r\n\r\n",
    "a header without a name": b"GET /api/chat HTTP/1.1\r\n" + HOST + b": a\r\n\r\n",
    "a header too long": b"GET /api/chat HTTP/1.1\r\n"
    + HOST
    + b"X-A: "
    + b"a" * 20_000
    + b"\r\n\r\n",
    "too many headers": b"GET /api/chat HTTP/1.1\r\n" + HOST + b"X-A: a\r\n" * 600 + b"\r\n",
    "a length that is no number": b"POST /api/chat HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: x\r\n\r\n",
    "a length beyond all numbers": b"POST /api/chat HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: "
    + b"9" * 5_000
    + b"\r\n\r\n",
    "two lengths": b"POST /api/chat HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a broken chunk": b"POST /api/chat HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nXY\r\nabc\r\n",
    "a host that is none": b"GET /api/chat HTTP/1.1\r\nHost: a b{}\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", BAD.values(), ids=BAD.keys())
def test_it_is_refused_in_our_format(
    daphne: Server, live_owner: LiveAccount, request_bytes: bytes
) -> None:
    key = f"Authorization: {live_owner.headers['Authorization']}\r\n".encode()
    answer = exchange(daphne, request_bytes.replace(HOST, HOST + key))
    assert (answer.status, answer.error["code"]) == (400, "INVALID_REQUEST")
    assert answer.headers["content-type"] == "application/json"
    assert answer.error["details"]["request_id"] == answer.headers["x-request-id"]


def test_what_the_application_can_answer_has_all_headers(daphne: Server) -> None:
    answer = exchange(daphne, BAD["a control character"])
    assert answer.status == 400
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(
        answer.headers
    )


@pytest.mark.parametrize(
    "header", [b"Cookie: \xff=\xfe; =;;;", b"Authorization: Bearer \xe9", b"Idempotency-Key: \xe9"]
)
def test_bytes_where_text_is_read_cost_no_500(server: Server, header: bytes) -> None:
    request = b"POST /api/chat HTTP/1.1\r\n" + HOST + header + b"\r\nContent-Length: 0\r\n\r\n"
    assert exchange(server, request).status in (400, 401, 429)


ODD_CHARSETS = [b"charset*=bogus''utf-8", b"x*=bogus'en'%41", b"x*=\\0''%41", b"x*=idna''%ff.."]


@pytest.mark.parametrize("parameter", ODD_CHARSETS)
def test_a_charset_that_is_none_costs_no_500(
    server: Server, live_owner: LiveAccount, parameter: bytes
) -> None:
    key = f"Authorization: {live_owner.headers['Authorization']}\r\n".encode()
    about = b"Content-Length: 2\r\nContent-Type: application/json; " + parameter + b"\r\n"
    answer = exchange(server, b"POST /api/chat HTTP/1.1\r\n" + HOST + key + about + b"\r\n{}")
    assert (answer.status, answer.error["code"]) == (400, "INVALID_REQUEST")
    assert "x-ratelimit-limit" in answer.headers


def test_a_client_cannot_choose_the_root_path(daphne: Server) -> None:
    header = b"Daphne-Root-Path: /api\r\nConnection: close\r\n"
    answer = exchange(daphne, b"GET /api/healthz HTTP/1.1\r\n" + HOST + header + b"\r\n")
    assert answer.status == 404


@pytest.mark.parametrize("path", [b"/api/chat", b"/api/nowhere"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_an_upgrade_that_is_not_offered_is_passed_over(
    daphne: Server, live_owner: LiveAccount, method: bytes, path: bytes
) -> None:
    key = f"Authorization: {live_owner.headers['Authorization']}\r\n".encode()
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    answer = exchange(
        daphne, method + b" " + path + b" HTTP/1.1\r\n" + HOST + key + upgrade + b"\r\n"
    )
    assert answer.status in (200, 400, 404)
    assert {"x-request-id", "x-ratelimit-limit"} <= set(answer.headers)
    assert answer.body


def test_a_request_as_sent_to_proxies_is_understood(daphne: Server) -> None:
    request = (
        b"GET http://localhost/healthz?a=/b HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    )
    assert exchange(daphne, request).status == 200


def test_a_chunked_body_is_read(server: Server, live_owner: LiveAccount) -> None:
    pieces = (piece for piece in (b'{"mess', b'age": ""}'))
    response = live_owner.client(server).post(
        "/api/chat", content=pieces, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert "message" in response.json()["error"]["details"]["invalid_fields"]


def test_a_client_that_leaves_in_the_middle_costs_nothing(daphne: Server) -> None:
    with socket.create_connection(("127.0.0.1", daphne.port)) as connection:
        connection.sendall(b"POST /api/chat HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n{")
    assert daphne.is_ready()
