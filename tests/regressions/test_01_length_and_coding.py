"""Family 1: Content-Length and Transfer-Encoding together [CVE-2023-47641]."""

import pytest

from tests.h1rows import CHUNKED, OK, POST, accepted, refused

CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b"transfer-encoding: CHUNKED\r\ncontent-length: 0\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: identity\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding:\r\n",
    ],
)
def test_both_are_refused_by_either_role(fields: bytes) -> None:
    refused(POST + fields + b"\r\n" + CHUNKS)
    refused(OK + fields + b"\r\n" + CHUNKS, server=False)


def test_each_alone_is_read() -> None:
    assert accepted(CHUNKED + CHUNKS)[1] == ("data", b"abc")
    assert accepted(POST + b"Content-Length: 3\r\n\r\nabc")[1] == ("data", b"abc")
