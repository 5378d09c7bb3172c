"""Family 10: count and size of fields and lines in any pieces; limits sum [CVE-2026-54277]."""

import pytest

from tercel.wire.limits import Limits
from tests.h1rows import GET, OK, accepted, refused


@pytest.mark.parametrize("size", [20, 21, 8190])
def test_request_line(size: int) -> None:
    limits = Limits(max_line_size=size)
    longest = b"GET /" + b"x" * (size - 14) + b" HTTP/1.1"
    assert len(longest) == size
    accepted(longest + b"\r\nHost: a\r\n\r\n", limits=limits)
    refused(b"GET /x" + longest[5:] + b"\r\nHost: a\r\n\r\n", 414, limits=limits)


def test_a_request_line_that_never_ends() -> None:
    refused(b"GET /" + b"x" * 8191, 414)
    refused(b"G" * 8192, 414)


def test_status_line() -> None:
    limits = Limits(max_line_size=20)
    accepted(
        b"HTTP/1.1 200 " + b"x" * 7 + b"\r\nContent-Length: 0\r\n\r\n", server=False, limits=limits
    )
    refused(
        b"HTTP/1.1 200 " + b"x" * 8 + b"\r\nContent-Length: 0\r\n\r\n", server=False, limits=limits
    )


@pytest.mark.parametrize("server", [True, False])
def test_field_line(server: bool) -> None:
    start = GET if server else OK + b"Content-Length: 0\r\n"
    accepted(start + b"X: " + b"y" * 8187 + b"\r\n\r\n", server=server)
    refused(start + b"X: " + b"y" * 8188 + b"\r\n\r\n", 431, server=server)
    refused(start + b"X: " + b"y" * 8190, 431, server=server)
    refused(start + b"X" * 8192, 431, server=server)


@pytest.mark.parametrize("server", [True, False])
def test_number_of_fields(server: bool) -> None:
    start = GET if server else OK + b"Content-Length: 0\r\n"
    accepted(start + b"X: y\r\n" * 127 + b"\r\n", server=server)
    refused(start + b"X: y\r\n" * 128 + b"\r\n", 431, server=server)


def test_the_whole_head() -> None:
    limits = Limits(max_head_size=1000)
    line = b"X: " + b"y" * 95 + b"\r\n"
    accepted(GET + line * 9 + b"\r\n", limits=limits)
    refused(GET + line * 10 + b"\r\n", 431, limits=limits)
