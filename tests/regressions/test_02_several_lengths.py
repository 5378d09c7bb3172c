"""Family 2: several Content-Length fields: equal, different, as a list."""

import pytest

from tests.h1rows import OK, POST, accepted, refused


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 3\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: 3\r\ncontent-length: 0\r\n",
        b"Content-Length: 3, 3\r\n",
        b"Content-Length: 3, 4\r\n",
        b"Content-Length: 3,\r\n",
        b"Content-Length: ,3\r\n",
    ],
)
def test_several_are_refused_by_either_role(fields: bytes) -> None:
    refused(POST + fields + b"\r\nabc")
    refused(OK + fields + b"\r\nabc", server=False)


def test_one_is_read() -> None:
    assert accepted(OK + b"Content-Length: 3\r\n\r\nabc", server=False)[1] == ("data", b"abc")
