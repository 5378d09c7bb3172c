"""Family 7: chunk sizes: overflow, signs, spaces, and what ends a chunk's data [CVE-2025-43859]."""

import pytest

from tests.h1rows import CHUNKED, OK, accepted, check, read_all, refused

TAIL = b"\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "size",
    [
        b"",
        b" 3",
        b"3 ",
        b"\t3",
        b"3\t",
        b"+3",
        b"-3",
        b"0x3",
        b"3_",
        b"g",
        b"3g",
        b"\xd9\xa3",
        b"3,",
        b"1" * 16,
        b"ffffffffffffffff",
        b"0" * 16,
        b"3\x00",
        b"3\x0b",
    ],
)
def test_sizes_refused_by_either_role(size: bytes) -> None:
    refused(CHUNKED + size + TAIL)
    refused(OK + b"Transfer-Encoding: chunked\r\n\r\n" + size + TAIL, server=False)


@pytest.mark.parametrize("size", [b"3", b"03", b"000000000000003"])
def test_sizes_read(size: bytes) -> None:
    assert accepted(CHUNKED + size + TAIL)[1] == ("data", b"abc")


def test_hex_digits_of_both_cases() -> None:
    assert accepted(CHUNKED + b"1A\r\n" + b"x" * 26 + b"\r\nb\r\n" + b"y" * 11 + b"\r\n0\r\n\r\n")[
        1
    ] == (
        "data",
        b"x" * 26 + b"y" * 11,
    )


def test_the_largest_size_is_counted_without_overflow() -> None:
    facts = read_all([CHUNKED + b"fffffffffffffff\r\nabc"], eof=True)
    assert facts[1:] == [("data", b"abc"), ("truncated",)]


@pytest.mark.parametrize("end", [b"\n\n", b"XX", b"\rX", b"X\n", b"\n\r", b"  ", b"0\r"])
def test_any_other_two_octets_after_the_data_are_refused(end: bytes) -> None:
    raw = CHUNKED + b"3\r\nabc" + end + b"0\r\n\r\n"
    facts = read_all([raw])
    assert facts[-1] == ("refused", 400)
    check(raw, facts)


def test_a_line_that_never_ends_is_refused() -> None:
    refused(CHUNKED + b"3;" + b"x" * 8200)
    assert read_all([CHUNKED + b"3;" + b"x" * 8000])[-1][0] == "request"
