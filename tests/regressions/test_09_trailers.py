"""Family 9: trailers: count, size, forbidden names, smuggling."""

import pytest

from tercel.wire.limits import Limits
from tests.h1rows import CHUNKED, accepted, refused

END = CHUNKED + b"3\r\nabc\r\n0\r\n"


def test_read() -> None:
    assert accepted(END + b"X-Sum: 1\r\nY:z\r\n\r\n")[-1] == (
        "end",
        ((b"X-Sum", b"1"), (b"Y", b"z")),
    )


@pytest.mark.parametrize(
    "name",
    [
        b"Content-Length",
        b"transfer-encoding",
        b"HOST",
        b"Connection",
        b"Authorization",
        b"Cookie",
        b"Set-Cookie",
        b"Content-Type",
        b"Content-Encoding",
        b"Content-Range",
        b"Trailer",
        b"TE",
        b"Upgrade",
    ],
)
def test_fields_that_come_too_late_are_refused(name: bytes) -> None:
    refused(END + name + b": 1\r\n\r\n")


@pytest.mark.parametrize(
    "line", [b" X: y", b"X : y", b": y", b"X: \0", b"X: a\rb", b"GET / HTTP/1.1"]
)
def test_malformed_lines_are_refused(line: bytes) -> None:
    refused(END + line + b"\r\n\r\n")


def test_their_number_is_bounded() -> None:
    accepted(END + b"X: y\r\n" * 128 + b"\r\n")
    refused(END + b"X: y\r\n" * 129 + b"\r\n", 431)


def test_their_size_is_bounded() -> None:
    limits = Limits(max_field_size=50, max_head_size=200)
    accepted(END + b"X: " + b"y" * 47 + b"\r\n\r\n", limits=limits)
    refused(END + b"X: " + b"y" * 48 + b"\r\n\r\n", 431, limits=limits)
    refused(END + (b"X: " + b"y" * 40 + b"\r\n") * 6 + b"\r\n", 431, limits=limits)


def test_what_follows_is_the_next_message_and_no_trailer() -> None:
    facts = accepted(END + b"\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [fact[0] for fact in facts] == ["request", "data", "end", "request"]
