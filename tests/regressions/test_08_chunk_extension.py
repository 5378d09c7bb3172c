"""Family 8: chunk extensions: length, newline, lone CR [CVE-2024-52304]."""

import pytest

from tercel.wire.limits import Limits
from tests.h1rows import CHUNKED, accepted, refused

REST = b"\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize("ext", [b";a", b";a=b", b' ;a="b;c"', b"\t; a = b", b";\xff", b";"])
def test_read_over(ext: bytes) -> None:
    assert accepted(CHUNKED + b"3" + ext + REST)[1:] == [("data", b"abc"), ("end", ())]
    assert accepted(CHUNKED + b"3\r\nabc\r\n0" + ext + b"\r\n\r\n")[1:] == [
        ("data", b"abc"),
        ("end", ()),
    ]


@pytest.mark.parametrize(
    "ext", [b";a\n", b";a\nb", b";a\rb", b";a\0", b";\x7f", b" a", b"=a", b";a\r\r"]
)
def test_refused(ext: bytes) -> None:
    refused(CHUNKED + b"3" + ext + REST)


def test_extensions_add_up_over_the_message() -> None:
    limits = Limits(max_chunk_extensions=100)
    chunk = b"1;" + b"e" * 24 + b"\r\nx\r\n"
    accepted(CHUNKED + chunk * 4 + b"0\r\n\r\n", limits=limits)
    refused(CHUNKED + chunk * 5 + b"0\r\n\r\n", limits=limits)


def test_one_line_is_bounded_too() -> None:
    limits = Limits(max_line_size=100, max_chunk_extensions=10_000)
    accepted(CHUNKED + b"3;" + b"e" * 98 + REST, limits=limits)
    refused(CHUNKED + b"3;" + b"e" * 99 + REST, limits=limits)
