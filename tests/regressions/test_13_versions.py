"""Family 13: versions other than 1.0 and 1.1."""

import pytest

from tests.h1rows import accepted, refused


@pytest.mark.parametrize(
    "version", [b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9", b"HTTP/3.0", b"HTTP/9.9"]
)
def test_known_form_is_505(version: bytes) -> None:
    refused(b"GET / " + version + b"\r\nHost: a\r\n\r\n", 505)
    refused(version + b" 200 OK\r\nContent-Length: 0\r\n\r\n", 505, server=False)


@pytest.mark.parametrize(
    "version",
    [
        b"http/1.1",
        b"HTTP/1",
        b"HTTP/11",
        b"HTTP/1.10",
        b"HTTP/01.1",
        b"HTTP/1,1",
        b"HTTP1.1",
        b"HTTP/1.x",
        b"HTTP/ 1.1",
        b"HTTP/1.1 ",
        b" HTTP/1.1",
        b"XHTTP/1.1",
        b"HTTP/\xd9\xa1.1",
        b"",
    ],
)
def test_any_other_form_is_400(version: bytes) -> None:
    refused(b"GET / " + version + b"\r\nHost: a\r\n\r\n")


def test_http_09_has_no_version_and_is_refused() -> None:
    refused(b"GET /\r\n\r\n")


def test_the_preface_of_http2_is_told_apart() -> None:
    refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)


def test_both_versions_are_read() -> None:
    assert accepted(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")[0][4] is True
    assert accepted(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")[0][4] is False
    assert accepted(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")[0][4] is True
