"""Family 4: Transfer-Encoding whose last coding is not exactly `chunked`, and where it may not
stand.
"""

import pytest

from tests.h1rows import OK, POST, accepted, refused

REST = b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "value",
    [
        b"identity",
        b"xchunked",
        b"chunkedx",
        b"chunked, gzip",
        b"chunked, chunked",
        b"chunked;q=1",
        b"\x0bchunked",
        b'"chunked"',
        b"",
        b",",
        b"chunked gzip",
        b"gzip",
    ],
)
def test_refused_by_either_role(value: bytes) -> None:
    refused(POST + b"Transfer-Encoding: " + value + b"\r\n" + REST)
    refused(OK + b"Transfer-Encoding: " + value + b"\r\n" + REST, server=False)


def test_a_coding_before_chunked_is_not_implemented() -> None:
    refused(POST + b"Transfer-Encoding: gzip, chunked\r\n" + REST, 501)
    refused(POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" + REST, 501)


def test_twice_in_two_fields_is_refused() -> None:
    refused(POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + REST)


def test_http_10_does_not_know_it() -> None:
    refused(b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + REST)
    refused(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n" + REST, server=False)


def test_obs_fold_is_refused() -> None:
    refused(POST + b"Transfer-Encoding:\r\n chunked\r\n" + REST)
    refused(POST + b"Transfer-Encoding: gzip,\r\n\tchunked\r\n" + REST)


@pytest.mark.parametrize("value", [b"chunked", b"CHUNKED", b"Chunked ", b"\tchunked", b",chunked,"])
def test_chunked_in_any_case_is_read(value: bytes) -> None:
    assert accepted(POST + b"Transfer-Encoding: " + value + b"\r\n" + REST)[1] == ("end", ())
