"""Whatever a receiver does, an attempt ends in time, is told, and takes little memory."""

import asyncio
import datetime
import os
import resource
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from accounts.models import User
from tests.servers import free_port
from tests.webhooks.conftest import MakeReceiver, dispatch, emit, make_endpoint, pass_time
from tests.webhooks.receivers import Behaviour, answer, endless, held, never, raw, reset, then_never
from webhooks import claims, client, dispatcher, judging, posting
from webhooks.answers import LONGEST_ANSWER, LONGEST_HEAD, BadAnswer, Reader
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.outcomes import Outcome

TIMEOUT = 1.0
AMPLE = 3.0  # for those that answer, on a busy machine
OK = b"HTTP/1.1 200 OK\r\n"
INTERIM = b"HTTP/1.1 100 So\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BEHAVIOURS: dict[str, tuple[Behaviour, int | None, str]] = {
    "never answers": (never, None, "timeout"),
    "slow headers": (then_never(OK + b"X-Slow: "), None, "timeout"),
    "slow body": (then_never(OK + b"Content-Length: 10\r\n\r\nfive5"), None, "timeout"),
    "slow chunks": (then_never(CHUNKED + b"5\r\nfive5\r\n"), None, "timeout"),
    "endless headers": (endless(OK, b"X: " + b"y" * 997 + b"\r\n"), None, "bad_answer"),
    "endless line": (endless(b"HTTP/1.1 ", b"2" * 1000), None, "bad_answer"),
    "endless chunk size": (endless(CHUNKED, b"0" * 1000), None, "bad_answer"),
    "endless interim answers": (endless(b"", INTERIM), None, "bad_answer"),
    "endless trailers": (endless(CHUNKED + b"0\r\n", b"a\r\n"), None, "bad_answer"),
    "not HTTP": (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), None, "bad_answer"),
    "no status": (raw(b"HTTP/1.1 OK\r\n\r\n"), None, "bad_answer"),
    "bad length": (raw(OK + b"Content-Length: -1\r\n\r\n"), None, "bad_answer"),
    "bad chunk": (raw(CHUNKED + b"xyz\r\n"), None, "bad_answer"),
    "reset": (reset, None, "closed"),
    "closed at once": (raw(b"", close=True), None, "closed"),
    "closed in the body": (raw(OK + b"Content-Length: 9\r\n\r\nfive5", close=True), None, "closed"),
    "endless body": (endless(OK + b"\r\n", b"x" * 65536), 200, ""),
    "endless chunks": (endless(CHUNKED, b"3e8\r\n" + b"x" * 1000 + b"\r\n"), 200, ""),
    "huge body": (answer(500, b"x" * 1_000_000), 500, ""),
    "body until the end": (raw(OK + b"\r\nThank you", close=True), 200, ""),
    "chunks": (raw(CHUNKED + b"5;a=b\r\nThank\r\n4\r\n you\r\n0\r\nX: y\r\n\r\n"), 200, ""),
    "interim answer": (
        raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"\r\n", close=True),
        200,
        "",
    ),
    "HTTP/1.0": (raw(b"HTTP/1.0 204 No Content\r\n\r\n", close=True), 204, ""),
    "not text": (answer(400, b"\x00\xff\x00"), 400, ""),
}


ENDLESS = [name for name in BEHAVIOURS if name.startswith("endless")]
OTHERS = [name for name in BEHAVIOURS if name not in ENDLESS]


def test_each_of_them(account: User, make_receiver: MakeReceiver, settings: Any) -> None:
    settings.WEBHOOK_TIMEOUT = AMPLE
    endpoints = {
        name: make_endpoint(account, make_receiver(BEHAVIOURS[name][0]).url) for name in OTHERS
    }
    emit(account)
    began = time.monotonic()
    dispatch()
    assert time.monotonic() - began < 3 * AMPLE  # all at once: none waits for another
    found = {}
    for name, endpoint in endpoints.items():
        attempt = Attempt.objects.filter(delivery__endpoint=endpoint).earliest("id")
        found[name] = (attempt.status, attempt.error)
        assert len(attempt.response.encode()) <= 16_384, name
    assert found == {name: BEHAVIOURS[name][1:] for name in OTHERS}


@pytest.mark.parametrize("name", ENDLESS)
def test_who_never_ends(
    name: str, account: User, make_receiver: MakeReceiver, settings: Any
) -> None:
    behaviour, status, error = BEHAVIOURS[name]
    settings.WEBHOOK_TIMEOUT = TIMEOUT if error == "timeout" else AMPLE
    make_endpoint(account, make_receiver(behaviour).url)
    emit(account)
    dispatch()
    attempt = Attempt.objects.earliest("id")
    assert (attempt.status, attempt.error) == (status, error)
    assert len(attempt.response.encode()) <= 16_384


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", INTERIM),
        (OK, b"a: b\r\n"),
        (CHUNKED, b"1;ext\r\nx\r\n"),
        (CHUNKED + b"0\r\n", b"a\r\n"),
        (
            b"HTTP/1.1 100 So\r\n\r\n" * 900 + CHUNKED + b"5;" + b"y" * 9_000 + b"\r\nfive5\r\n",
            b"0",
        ),
    ],
    ids=["interim answers", "headers", "chunks", "trailers", "some of each"],
)
def test_what_is_read_of_an_answer_has_a_bound(head: bytes, piece: bytes) -> None:
    reader = Reader()
    reader.received += head + piece * 20_000
    sent = len(reader.received)
    with pytest.raises((BadAnswer, StopIteration)) as ended:
        next(reader.answer())
    assert sent - len(reader.received) <= LONGEST_HEAD + LONGEST_ANSWER
    if isinstance(ended.value, StopIteration):  # the body came in crumbs
        assert (ended.value.value.status, ended.value.value.reusable) == (200, False)


@pytest.mark.parametrize(
    ("name", "response"),
    [
        ("chunks", "Thank you"),
        ("body until the end", "Thank you"),
        ("endless body", "x" * 16_384),
        ("endless chunks", "x" * 16_384),
        ("huge body", "x" * 16_384),
        ("not text", "\ufffd"),
    ],
)
def test_what_is_kept_of_an_answer(
    name: str, response: str, account: User, make_receiver: MakeReceiver
) -> None:
    make_endpoint(account, make_receiver(BEHAVIOURS[name][0]).url)
    emit(account)
    dispatch()
    assert Attempt.objects.get().response == response


def test_who_closes_without_saying_so_has_not_failed(
    account: User, make_receiver: MakeReceiver
) -> None:
    receiver = make_receiver(raw(OK + b"Content-Length: 0\r\n\r\n", close=True))
    make_endpoint(account, receiver.url)
    emit(account, 50)
    dispatch()
    assert {attempt.error for attempt in Attempt.objects.all()} == {""}
    assert len(receiver.received) == Attempt.objects.count() == 50


def test_what_nobody_asked_for_is_no_answer(account: User, make_receiver: MakeReceiver) -> None:
    refused = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
    receiver = make_receiver(raw(OK + b"Content-Length: 0\r\n\r\n" + refused))
    make_endpoint(account, receiver.url)
    emit(account, 50)
    dispatch()
    assert {attempt.status for attempt in Attempt.objects.all()} == {200}


def test_idle_connections_are_closed_while_others_are_busy(
    account: User, make_receiver: MakeReceiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "KEEP_SECONDS", 0.05)
    monkeypatch.setattr(dispatcher, "RENEW_SECONDS", 0.05)
    settings.WEBHOOK_TIMEOUT = AMPLE
    closed = threading.Event()

    async def kept_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer()(reader, writer)
        with suppress(ConnectionError):
            await reader.read()
        closed.set()

    for behaviour in (kept_open, held(closed, answer())):
        make_endpoint(account, make_receiver(behaviour).url)
    emit(account)
    dispatch()
    assert [attempt.status for attempt in Attempt.objects.all()] == [200, 200]


def test_few_connections_are_kept(
    account: User, make_receiver: MakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "KEPT", 3)
    receivers = [make_receiver() for _ in range(6)]
    for receiver in receivers:
        make_endpoint(account, receiver.url)
    emit(account)
    jobs = {job.url: job for job in claims.claim(6)}

    async def attempts(posting_client: client.Client) -> None:
        for receiver in [*receivers, *reversed(receivers)]:
            await posting.attempt(posting_client, jobs[receiver.url])
        posting_client.close()

    asyncio.run(attempts(client.Client()))
    # The latest three are met again on the way back, and then nobody is.
    assert [receiver.connections for receiver in receivers] == [2, 2, 2, 1, 1, 1]


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    least_free = os.dup(0)
    os.close(least_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (least_free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_no_receiver_is_blamed_for_want_of_descriptors(
    host: str, account: User, make_receiver: MakeReceiver, settings: Any
) -> None:
    receiver = make_receiver()
    settings.WEBHOOK_ALLOWED_HOSTS = [f"{host}:{receiver.port}"]
    make_endpoint(account, f"http://{host}:{receiver.port}/")
    emit(account)
    [job] = claims.claim(1)

    async def attempted() -> Outcome:
        with no_descriptor_left():
            return await posting.attempt(client.Client(), job)

    outcome = asyncio.run(attempted())
    assert (outcome.error, receiver.connections) == ("internal", 0)
    judging.record([outcome])
    assert Endpoint.objects.values_list("failures", "failing_since").get() == (0, None)
    assert Attempt.objects.get().error == "internal"
    pass_time(10)
    dispatch()
    assert len(receiver.received) == 1


def test_a_fault_of_ours_is_an_attempt(account: User, make_receiver: MakeReceiver) -> None:
    endpoint = make_endpoint(account, make_receiver().url)
    Endpoint.objects.update(old_secrets=[{"nonsense": 1}])
    emit(account)
    dispatch()
    assert Attempt.objects.get().error == "internal"
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries, delivery.claim) == ("pending", 1, None)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_nobody_listens(account: User, settings: Any) -> None:
    port = free_port()
    settings.WEBHOOK_ALLOWED_HOSTS = [f"localhost:{port}"]
    make_endpoint(account, f"http://localhost:{port}/")
    emit(account)
    dispatch()
    assert Attempt.objects.get().error == "refused"


def test_a_name_that_does_not_resolve(account: User) -> None:
    make_endpoint(account, "https://no-such-name.invalid/hook")
    emit(account)
    dispatch()
    assert Attempt.objects.get().error == "unreachable"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of `localhost`, signed by itself; with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_nobody_vouches_for(
    account: User, make_receiver: MakeReceiver, server_tls: ssl.SSLContext
) -> None:
    receiver = make_receiver(tls=server_tls)
    make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    assert (Attempt.objects.get().error, receiver.received) == ("tls", [])


def test_a_certificate_of_the_host(
    account: User,
    make_receiver: MakeReceiver,
    server_tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    client._tls.cache_clear()
    asked = []
    server_tls.sni_callback = lambda connection, name, context: asked.append(name)
    receiver = make_receiver(tls=server_tls)
    make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    client._tls.cache_clear()
    assert (len(receiver.received), asked) == (1, ["localhost"])
    assert Delivery.objects.get().status == "succeeded"


def test_tls_to_a_port_without_it(
    account: User, make_receiver: MakeReceiver, settings: Any
) -> None:
    settings.WEBHOOK_TIMEOUT = TIMEOUT
    receiver = make_receiver()
    make_endpoint(account, receiver.url.replace("http:", "https:"))
    emit(account)
    dispatch()
    assert Attempt.objects.get().error in {"tls", "closed", "timeout"}
    assert receiver.received == []
