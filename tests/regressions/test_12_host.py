"""Family 12: Host: missing, twice, malformed, port, zone id, absolute form [CVE-2026-34525]."""

import pytest

from tercel.wire.h1.connection import Connection
from tests.h1rows import accepted, refused


def request(host: bytes, target: bytes = b"/") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"


def test_missing() -> None:
    refused(b"GET / HTTP/1.1\r\n\r\n")
    refused(b"GET http://a/ HTTP/1.1\r\n\r\n")
    accepted(b"GET / HTTP/1.0\r\n\r\n")


def test_twice() -> None:
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")
    refused(b"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n")
    refused(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")


@pytest.mark.parametrize(
    "host",
    [
        b"a b",
        b"a/b",
        b"a@b",
        b"a,b",
        b"a:b",
        b"a:80:80",
        b"a:-1",
        b"a:65536",
        b"a:123456",
        b":80",
        b"[::1",
        b"::1",
        b"[::1]x",
        b"[fe80::1%eth0]",
        b"[]",
        b"[a]",
        b"a?b",
        b"a#b",
        b"a\\b",
        b"<a>",
        b'"a"',
        b"a\xff",
    ],
)
def test_malformed(host: bytes) -> None:
    if host == b"a,b":
        accepted(
            request(host)
        )  # a sub-delim may stand in a registered name (RFC 3986 section 3.2.2)
    else:
        refused(request(host))


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"a",
        b"a.b-c_d",
        b"a:",
        b"a:80",
        b"a:65535",
        b"127.0.0.1:8080",
        b"[::1]",
        b"[::1]:443",
        b"a%20b",
        b"A.B.",
    ],
)
def test_well_formed(host: bytes) -> None:
    accepted(request(host))


def test_the_absolute_form_decides() -> None:
    connection = Connection(True)
    connection.feed_data(request(b"other", b"http://example.com:81/x"))
    assert connection.next_event().authority == "example.com:81"
