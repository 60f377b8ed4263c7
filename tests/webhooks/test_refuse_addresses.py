"""No webhook reaches an address that is not public, however it is written and whoever names it."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from accounts.models import User
from tests.waiting import wait_until
from tests.webhooks.conftest import MakeReceiver, dispatch, emit, make_endpoint, pass_time
from webhooks import addresses, targets
from webhooks.models import Attempt, Endpoint

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "168.63.129.17",
    "93.184.216.34",
    "192.0.1.1",
    "2606:4700::1111",
    "2a00:1450::1",
]
REFUSED = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1"),
    *("127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255"),
    *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
    "255.255.255.255",
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:10::1"),
    *("2001:20::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1"),
    *("fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1"),
]
UNREACHABLE = [
    "",
    "hook",
    "/hook",
    "//app.example/hook",
    "ftp://app.example/hook",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "gopher://app.example/",
    "http://app.example/hook",
    "https://",
    "https:///hook",
    "https:app.example",
    "https://user@app.example/",
    "https://user:password@app.example/",
    "https://:password@app.example/",
    "https://app.example:0/",
    "https://app.example:65536/",
    "https://app.example:-1/",
    "https://app.example:http/",
    "https://app.example:80:80/",
    "https://app..example/",
    "https://.app.example/",
    "https://app%2eexample/",
    "https://app.example\\@127.0.0.1/",
    "https://app.example /",
    "https://app.example/\r\nX-Evil: 1",
    "https://app.example/\x00",
    "https://[::1",
    "https://[::1]@/",
    "https://[v1.a]@/hook",
    "https://[fe80::1%25eth0]/",
    # The same address in all its spellings.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://１２７.0.0.1/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://999.1.1.1/",
    *(f"https://[{text}]/" if ":" in text else f"https://{text}/" for text in REFUSED),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert addresses.is_public(address)


@pytest.mark.parametrize("address", [*REFUSED, "", "app.example", "127.1", "2130706433"])
def test_addresses_that_are_not(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize("url", UNREACHABLE)
def test_urls_that_can_never_be_reached(url: str) -> None:
    with pytest.raises(targets.BadUrl):
        targets.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://no-such-name.invalid/hook",
        "https://app.example:8443/hook?token=1#part",
        "https://xn--mnchen-3ya.invalid/",
        "https://münchen.invalid/ü",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/",
        "HTTPS://App.Example",
    ],
)
def test_urls_that_may_be_reached(url: str) -> None:
    targets.check(url)


def test_whatever_is_no_url_is_refused() -> None:
    pieces = ("[", "]", "@", ":", "/", "?", "%", "v1.", "ü", "xn--", "\udc80")
    for parts in product(pieces, repeat=4):
        with suppress(targets.BadUrl):
            targets.parse(f"https://{''.join(parts)}")


def test_the_query_goes_along_and_the_fragment_does_not() -> None:
    target = targets.parse("https://App.example:8443/a%20b?x=1&y=ü#part")
    assert target.host_header == "app.example:8443"
    assert target.path == "/a%20b?x=1&y=%C3%BC"


def test_an_allowed_host_is_one_port_of_it(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = ["localhost:9000", "10.0.0.5:443", "[::1]:9000"]
    targets.check("http://localhost:9000/")
    targets.check("https://LOCALHOST:9000/")
    targets.check("https://10.0.0.5/")
    targets.check("http://[0:0::1]:9000/")
    for url in ("http://localhost:9001/", "http://localhost/", "https://10.0.0.5:444/"):
        with pytest.raises(targets.BadUrl):
            targets.check(url)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What the name server says of a name, look-up after look-up; the last one stays."""
    said: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in said:
            return real(host, port, *args, **kwargs)
        answers = said[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return said


@pytest.mark.parametrize("found", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1", "8.8.8.8"]])
def test_one_bad_address_of_a_name_is_enough(names: Any, found: list[str]) -> None:
    names["app.example"] = [found]
    with pytest.raises(targets.BadUrl):
        targets.check("https://app.example/")


def test_a_name_that_turns_inwards_is_refused_at_delivery(
    account: User, make_receiver: MakeReceiver, names: Any
) -> None:
    receiver = make_receiver()
    names["app.example"] = [["8.8.8.8"], ["127.0.0.1"], ["8.8.8.8", "10.0.0.1"]]
    make_endpoint(account, f"https://app.example:{receiver.port}/hook")
    emit(account)
    for _ in range(2):
        dispatch()
        pass_time(600)
    assert [attempt.error for attempt in Attempt.objects.order_by("id")] == ["blocked"] * 2
    assert receiver.connections == 0


def test_it_connects_to_what_was_checked_with_one_look_up(
    account: User, make_receiver: MakeReceiver, names: Any, settings: Any
) -> None:
    receiver = make_receiver()
    host = f"app.example:{receiver.port}"
    settings.WEBHOOK_ALLOWED_HOSTS = [host]
    names["app.example"] = [["127.0.0.1"], ["192.0.2.1"]]
    make_endpoint(account, f"http://{host}/hook")
    emit(account)
    dispatch()
    assert receiver.received[0].headers["host"] == host
    assert len(names["app.example"]) == 1


def test_a_slow_name_takes_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = [], threading.Event()

    def look_up(host: str, port: int, **kwargs: Any) -> Any:
        asked.append(host)
        answer.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    looking = [addresses.begin_look_up("slow.example", 443) for _ in range(50)]
    answer.set()
    assert {tuple(found.result(10)) for found in looking} == {("8.8.8.8",)}
    assert asked == ["slow.example"]
    wait_until(lambda: not addresses._under_way)
    assert addresses.begin_look_up("slow.example", 443).result(10)
    assert len(asked) == 2  # nothing is remembered


def test_slow_names_hold_up_few_who_check(monkeypatch: pytest.MonkeyPatch, names: Any) -> None:
    names["private.example"] = [["10.0.0.1"]]
    answer, quick = threading.Event(), socket.getaddrinfo

    def look_up(host: str, port: int, **kwargs: Any) -> Any:
        if host.endswith("slow.example"):
            answer.wait(10)
            raise OSError
        return quick(host, port, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(targets, "LOOK_UP_SECONDS", 10)
    with ThreadPoolExecutor(10) as threads:
        urls = [f"https://{number}.slow.example/" for number in range(10)]
        checking = [threads.submit(targets.check, url) for url in urls]
        wait_until(lambda: sum(not check.done() for check in checking) == 2)
        for bad in ("https://private.example/", "https://0x7f000001/"):
            with pytest.raises(targets.BadUrl):
                targets.check(bad)
        answer.set()
        assert [check.result(10) for check in checking] == [None] * 10


def test_what_was_stored_before_is_checked_too(account: User, make_receiver: MakeReceiver) -> None:
    receiver = make_receiver()
    endpoint = make_endpoint(account, receiver.url)
    for number, url in enumerate((f"https://127.0.0.1:{receiver.port}/", "http://app.example/")):
        Endpoint.objects.filter(pk=endpoint.pk).update(url=url)
        emit(account)
        dispatch()
        assert Attempt.objects.order_by("id")[number].error == ["blocked", "bad_url"][number]
        pass_time(600)
    assert receiver.connections == 0


def test_no_proxy_of_the_environment(
    account: User, make_receiver: MakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, receiver = make_receiver(), make_receiver()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{proxy.host}")
    make_endpoint(account, receiver.url)
    emit(account)
    dispatch()
    assert (len(receiver.received), proxy.connections) == (1, 0)
