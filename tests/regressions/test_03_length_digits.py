"""Family 3: Content-Length that is not plain decimal digits, or too large."""

import pytest

from tests.h1rows import OK, POST, accepted, read_all, refused


@pytest.mark.parametrize(
    "value",
    [
        b"+3",
        b"-3",
        b"3_0",
        b"0x3",
        b"3 3",
        b"3.0",
        b"3e0",
        b"",
        b"\xd9\xa3",
        b"\xc2\xb3",
        b"three",
        b"9223372036854775808",
        b"99999999999999999999",
        b"0" * 20,
    ],
)
def test_refused_by_either_role(value: bytes) -> None:
    refused(POST + b"Content-Length: " + value + b"\r\n\r\nabc")
    refused(OK + b"Content-Length: " + value + b"\r\n\r\nabc", server=False)


def test_leading_zeros_are_decimal_not_octal() -> None:
    assert accepted(POST + b"Content-Length: 010\r\n\r\n0123456789")[1] == ("data", b"0123456789")


def test_the_highest_length_is_read_and_counted() -> None:
    raw = POST + b"Content-Length: 9223372036854775807\r\n\r\nabc"
    assert read_all([raw])[1:] == [("data", b"abc")]
    assert read_all([raw], eof=True)[-1] == ("truncated",)


def test_white_space_around_the_value_is_no_part_of_it() -> None:
    assert accepted(POST + b"Content-Length: \t 3 \t\r\n\r\nabc")[1] == ("data", b"abc")
