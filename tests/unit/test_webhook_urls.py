"""Where webhooks may go, as written and as resolved."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest

from chalicelib.core import clock
from chalicelib.webhooks import guard, sender
from chalicelib.webhooks.guard import Destination

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
URL = "https://hooks.example.com/shop"
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
INSIDE = [
    str(ipaddress.IPv4Address(0)), "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.254", "192.0.0.8", "192.0.0.170", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:169.254.169.254",
    "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378::1", "2001:2::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1",
    "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_sent_to(address: str) -> None:
    assert guard.is_public(address)


@clock.fixed(NOW)
@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_no_place_for_webhooks(address: str) -> None:
    literal = f"[{address}]" if ":" in address else address

    assert not guard.is_public(address)
    with pytest.raises(guard.UrlRefused):
        guard.parse_url(f"https://{literal}/hook", near=False)
    for addresses in ([address], [PUBLIC[0], address]):
        assert sender.send(URL, b"{}", {}, near=False, resolve=lambda *_, at=addresses: at).error == "not_public"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "ftp://hooks.example.com/", "//hooks.example.com/", "hooks.example.com", "https:///x",
        "https://user@hooks.example.com/", "https://user:password@hooks.example.com/", "https://hooks.example.com/#part",
        "https://hooks.example.com:22/", "https://hooks.example.com:80/", "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/", "https://hooks.example.com:x/", "https://localhost/", "https://shop.localhost/",
        "https://printer.local/", "https://ip-10-0-0-1.ec2.internal/", "https://2130706433/", "https://127.1/",
        "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://0x7f000001/", "https://hooks.example.com./",
        "https://hooks..example.com/", "https://-hooks.example.com/", "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/\r\nX-Evil: 1", "https://hooks.example.com/a b", "https://h\u00fctte.example.com/",
        "https://[::1", "https://[fe80::1%25eth0]/", f"https://{'a' * 64}.example.com/", f"https://{'a.' * 130}com/",
        f"https://hooks.example.com/{'a' * 2000}", "https://127.0.0.1\u3002example/", "https://%31%32%37.0.0.1/", "",
        "https://[v1.a]/", "https://[v1.example]/", "https://[hooks.example.com]/", "https://[93.184.215.14]/",
        "https://hooks.[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]hooks.example.com/", "https://[]/",
        "https://2606:4700:4700::1111/", "https://hooks.example.a/", "https://hooks.example.c0m/",
        "https://hooks.example.xn--/", "https://hooks.invalid/", "https://hooks.test/", "https://hooks.example/",
        "https://hooks.onion/", "https://1.1.168.192.in-addr.arpa/",
    ],
)  # fmt: skip
def test_what_is_no_public_https_url_is_refused(url: str) -> None:
    for near in (False, True):
        with pytest.raises(guard.UrlRefused):
            guard.parse_url(url, near=near)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Hooks.Example.com", Destination("hooks.example.com", 443, "/", is_near=False)),
        ("https://hooks.example.com:8443/a?b=c", Destination("hooks.example.com", 8443, "/a?b=c", is_near=False)),
        ("https://xn--htte-0ra.example.com/", Destination("xn--htte-0ra.example.com", 443, "/", is_near=False)),
        ("https://93.184.215.14/", Destination("93.184.215.14", 443, "/", is_near=False)),
        ("https://[2606:4700:4700::1111]:1024/", Destination("2606:4700:4700::1111", 1024, "/", is_near=False)),
    ],
)
def test_a_public_https_url_names_its_place(url: str, place: Destination) -> None:
    assert guard.parse_url(url, near=False) == place


@clock.fixed(NOW)
def test_only_the_local_stage_sends_by_http_and_only_to_its_own_machine() -> None:
    url = "http://127.0.0.1:9000/hook?a=b"

    assert guard.parse_url(url, near=True) == Destination("127.0.0.1", 9000, "/hook?a=b", is_near=True)
    assert guard.parse_url(url.replace("9000", "1024"), near=True).port == 1024
    with pytest.raises(guard.UrlRefused):
        guard.parse_url(url, near=False)
    away = sender.send(url, b"{}", {}, near=True, resolve=lambda *_: ["127.0.0.1", "10.0.0.1"])
    assert away.error == "not_public"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.0.0.1:22/", "http://127.0.0.1:80/", "http://127.0.0.1:1023/",
        "http://127.0.0.1:443/", "http://localhost:9000/", "http://127.0.0.2:9000/", "http://[::1]:9000/",
        "http://0.0.0.0:9000/", "http://10.0.0.1:9000/", "http://hooks.example.com:9000/",
        "http://169.254.169.254:9000/latest", "https://127.0.0.1:9000/",
    ],
)  # fmt: skip
def test_by_http_the_local_stage_knows_one_address_and_the_ports_of_programs_that_anybody_starts(url: str) -> None:
    with pytest.raises(guard.UrlRefused):
        guard.parse_url(url, near=True)
