"""Family 14: the method, read and written [CVE-2023-49082]."""

import pytest

from tercel.wire.h1.encode import encode_request_head
from tests.h1rows import accepted, refused

BAD = [
    "",
    "G ET",
    "GET\r\nX: y",
    "GET\n",
    "G\0",
    "GET,",
    "G(T",
    "GÉT",
    'G"',
    "G:",
    "G/1",
    "GET\t",
    "\x7f",
]


@pytest.mark.parametrize("method", BAD)
def test_read(method: str) -> None:
    refused(method.encode() + b" / HTTP/1.1\r\nHost: a\r\n\r\n")


@pytest.mark.parametrize("method", BAD)
def test_written(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        encode_request_head(method, "/", ())


@pytest.mark.parametrize("method", ["GET", "get", "M-SEARCH", "!#$%&'*+-.^_`|~", "X" * 100])
def test_any_token_is_a_method(method: str) -> None:
    assert accepted(method.encode() + b" / HTTP/1.1\r\nHost: a\r\n\r\n")[0][1] == method
    assert encode_request_head(method, "/", ()).startswith(method.encode() + b" / HTTP/1.1\r\n")
