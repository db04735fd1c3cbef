"""Where the panel must not send: checked when an address is typed, and again at each connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import httpcore
import pytest

from muntin.outgoing import (
    AddressRefused,
    AddressRules,
    OutgoingClient,
    OutgoingFailed,
    OutgoingRequest,
    TimeLimits,
    read_target,
)
from muntin.testing.callers import Caller
from muntin.testing.waiting import until

from .receiving import Receiver, Said, receiving

REFUSED_ADDRESSES = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "nonsense", "", "127.1",
)  # fmt: skip
REFUSED_URLS = (
    "", "x", "//example.com", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com", "javascript:alert(1)",
    "http://", "https:///path", "https://user@example.com/", "https://user:pw@example.com/", "https://@example.com/",
    "https://exa mple.com/", "https://example.com/\r\nX-A: b", "https://example.com/\0", "https://example.com\\@127.0.0.1/",
    "https://example.com:22/", "https://example.com:25/", "https://example.com:6667/", "https://example.com:0/",
    "https://example.com:99999/", "https://example.com:x/", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0177.0.0.1/", "https://0x7f.1/", "https://127.0.0.1.5/", "https://127.0.0/", "https://\uff11\uff12\uff17.0.0.1/",
    "https://[::1", "https://[::1%25eth0]/", "https://[fe80::1%eth0]/", "https://exa\u0301mple.com/", "https://-a.com/",
    "https://a..b/", "https://[127.0.0.1]/", "https://" + "a" * 64 + ".com/", "https://a.com/" + "a" * 3000,
)  # fmt: skip


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_address_that_is_not_public_is_refused(address: str) -> None:
    assert not AddressRules().permits(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "172.32.0.1", "100.128.0.1"])
def test_public_address_is_permitted(address: str) -> None:
    assert AddressRules().permits(address)


def test_operator_allows_a_network_and_nothing_beside_it() -> None:
    rules = AddressRules.allowing(["192.168.10.0/24", "fd12::/16"])

    permitted = [
        one for one in ("192.168.10.7", "192.168.11.7", "fd12::1", "fd13::1", "127.0.0.1") if rules.permits(one)
    ]

    assert permitted == ["192.168.10.7", "fd12::1"]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_address_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        read_target(url)


@pytest.mark.parametrize("url", REFUSED_URLS)
async def test_webhook_cannot_be_made_for_it(admin: Caller, url: str) -> None:
    body = {"name": "x", "type": "custom", "url": url, "events": ["*"]}

    answer = await admin.post("/api/v1/admin/webhooks", body)

    assert answer.status == 422


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "169.254.169.254", "[::ffff:127.0.0.1]", "[fd00:ec2::254]"])
@pytest.mark.parametrize("kind", ["custom", "slack", "discord"])
async def test_webhook_cannot_be_made_for_an_address_inside(admin: Caller, host: str, kind: str) -> None:
    body = {"name": "x", "type": kind, "url": f"https://{host}/latest/meta-data", "events": ["*"]}

    answer = await admin.post("/api/v1/admin/webhooks", body)

    assert (answer.status, list(answer.body["error"]["details"])) == (422, ["url"])


def _names(*answers: list[str]) -> Callable[[str, int], list[str]]:
    """A resolver that answers differently each time."""
    waiting = list(answers)
    return lambda host, port: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def _client(resolve: Callable[[str, int], list[str]], *allowed: str) -> OutgoingClient:
    return OutgoingClient(rules=lambda: AddressRules.allowing(allowed), resolve=resolve)


async def test_name_that_leads_inside_is_refused(receiver: Receiver) -> None:
    client = _client(_names(["127.0.0.1"]))

    with pytest.raises(AddressRefused):
        await client.send(OutgoingRequest(url=f"http://inside.example:{receiver.port}/"))
    await client.close()

    assert receiver.connections == 0


async def test_one_bad_address_among_good_ones_is_enough(receiver: Receiver) -> None:
    client = _client(_names(["8.8.8.8", "10.0.0.1"]))

    with pytest.raises(AddressRefused):
        await client.send(OutgoingRequest(url=f"http://mixed.example:{receiver.port}/"))
    await client.close()


async def test_name_is_resolved_once_and_that_address_is_connected_to(receiver: Receiver) -> None:
    """What the name says a moment later (rebinding) does not matter."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    client = _client(resolve, "127.0.0.0/8")
    url = f"http://rebinding.example:{receiver.port}/a?b=c"
    answers = [(await client.send(OutgoingRequest(url=url, body=b"{}"))).status for _time in range(3)]
    await client.close()

    assert answers == [200, 200, 200]
    assert asked == ["rebinding.example"]
    assert {one.headers["host"] for one in receiver.received} == {f"rebinding.example:{receiver.port}"}
    assert receiver.received[0].path == "/a?b=c"
    assert receiver.connections == 1


async def test_name_that_is_slow_to_resolve_holds_up_no_other(receiver: Receiver) -> None:
    """However many requests wait for it: they wait for one answer."""
    may_answer, asked = threading.Event(), []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        if host == "slow.example":
            may_answer.wait(60)
        return ["127.0.0.1"]

    client, patient = _client(resolve, "127.0.0.0/8"), TimeLimits(connect_s=90, read_s=90, total_s=90)
    slow, quick = f"http://slow.example:{receiver.port}/", f"http://quick.example:{receiver.port}/"
    waiting = [
        asyncio.create_task(client.send(OutgoingRequest(url=slow, group=str(number)), limits=patient))
        for number in range(100)
    ]
    await until(lambda: bool(asked))
    answer = await client.send(OutgoingRequest(url=quick), limits=patient)
    asked_meanwhile = list(asked)
    may_answer.set()
    answers = await asyncio.gather(*waiting)
    await client.close()

    assert (answer.status, asked_meanwhile) == (200, ["slow.example", "quick.example"])
    assert {one.status for one in answers} == {200}


async def test_connection_of_earlier_rules_is_not_used_again(receiver: Receiver) -> None:
    allowed = ["127.0.0.0/8"]
    client = OutgoingClient(rules=lambda: AddressRules.allowing(allowed))
    await client.send(OutgoingRequest(url=receiver.url))

    allowed.clear()

    with pytest.raises(AddressRefused):
        await client.send(OutgoingRequest(url=receiver.url))
    await client.close()


async def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    client = _client(_names(["127.0.0.1"]), "127.0.0.0/8")

    answer = await client.send(OutgoingRequest(url=receiver.url))
    await client.close()

    assert answer.status == 200


async def test_answer_is_read_up_to_a_limit_only() -> None:
    async with receiving(lambda one: Said(body=b"x" * 5_000_000)) as receiver:
        client = _client(_names(["127.0.0.1"]), "127.0.0.0/8")
        answer = await client.send(OutgoingRequest(url=receiver.url), body_limit=1000)
        await client.close()

    assert answer.body == b"x" * 1000


async def test_headers_cannot_break_out(receiver: Receiver) -> None:
    client = _client(_names(["127.0.0.1"]), "127.0.0.0/8")

    with pytest.raises((OutgoingFailed, httpcore.LocalProtocolError)):
        await client.send(OutgoingRequest(url=receiver.url, headers={"X-A": "b\r\nX-C: d"}))
    await client.close()

    assert receiver.received == []
