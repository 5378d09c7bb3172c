"""Family 11: the forms of the request target (RFC 9112 section 3.2)."""

import pytest

from tercel.wire.h1.connection import Connection
from tests.h1rows import accepted, refused


def request(method: bytes, target: bytes) -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        (b"GET", b"*"),
        (b"GET", b"example.com:80"),
        (b"GET", b"example.com"),
        (b"GET", b"ftp://example.com/"),
        (b"GET", b"javascript://a/"),
        (b"GET", b"http:///path"),
        (b"GET", b"http://?x"),
        (b"GET", b"http://user@example.com/"),
        (b"GET", b"http://a b/"),
        (b"GET", b"http://a:99999/"),
        (b"GET", b"http:/x"),
        (b"GET", b"//"[:0]),
        (b"GET", b"/a#frag"),
        (b"GET", b"#"),
        (b"GET", b"/a\x01"),
        (b"GET", b"/a\x7f"),
        (b"GET", b"/a\tb"),
        (b"GET", b"/a%00b"),
        (b"GET", b"http://a/%00"),
        (b"CONNECT", b"/"),
        (b"CONNECT", b"example.com"),
        (b"CONNECT", b"http://example.com/"),
        (b"CONNECT", b"*"),
        (b"CONNECT", b":443"),
        (b"CONNECT", b"example.com:"),
        (b"OPTIONS", b"**"),
        (b"GET", b"?x"),
    ],
)
def test_refused(method: bytes, target: bytes) -> None:
    refused(request(method, target))


@pytest.mark.parametrize(
    ("method", "target", "parts"),
    [
        (b"GET", b"/", ("", "", "/", "")),
        (b"GET", b"/a?b?c", ("", "", "/a", "b?c")),
        (b"GET", b"//a", ("", "", "//a", "")),
        (b"GET", b"/a%20b?%00", ("", "", "/a%20b", "%00")),
        (b"BREW", b"/pot?x", ("", "", "/pot", "x")),
        (b"GET", b"http://Example.com", ("http", "Example.com", "/", "")),
        (b"GET", b"HTTPS://[::1]:8/x?y", ("https", "[::1]:8", "/x", "y")),
        (b"GET", b"http://e?q", ("http", "e", "/", "q")),
        (b"OPTIONS", b"*", ("", "", "*", "")),
        (b"CONNECT", b"example.com:443", ("", "example.com:443", "", "")),
        (b"CONNECT", b"[::1]:443", ("", "[::1]:443", "", "")),
        (b"GET", "/é".encode(), ("", "", "/é", "")),
        (b"GET", b"/\xff", ("", "", "/\udcff", "")),
    ],
)
def test_read(method: bytes, target: bytes, parts: tuple[str, str, str, str]) -> None:
    accepted(request(method, target))
    connection = Connection(True)
    connection.feed_data(request(method, target))
    head = connection.next_event()
    assert (head.scheme, head.authority, head.path, head.query) == parts
