"""Family 6: space before the colon, a line that begins with a space, an empty field name."""

import pytest

from tests.h1rows import GET, OK, accepted, refused


@pytest.mark.parametrize(
    "line",
    [
        b"X : y",
        b"X\t: y",
        b" X: y",
        b"\tX: y",
        b": y",
        b"X y: z",
        b"X",
        b"X\x80: y",
        b"X(: y",
        b'"X": y',
        b"X\x00: y",
        b"X\x7f: y",
        b"X=y",
        b" ",
        b"\t",
    ],
)
def test_refused_by_either_role(line: bytes) -> None:
    refused(GET + line + b"\r\n\r\n")
    refused(OK + line + b"\r\nContent-Length: 0\r\n\r\n", server=False)


@pytest.mark.parametrize(
    ("line", "pair"),
    [
        (b"X:y", (b"X", b"y")),
        (b"X:", (b"X", b"")),
        (b"X: \t ", (b"X", b"")),
        (b"!#$%&'*+-.^_`|~09AZaz:  y  z\t", (b"!#$%&'*+-.^_`|~09AZaz", b"y  z")),
        (b"X: a:b", (b"X", b"a:b")),
        (b"X: \xc3\xa9\xff", (b"X", b"\xc3\xa9\xff")),
    ],
)
def test_read(line: bytes, pair: tuple[bytes, bytes]) -> None:
    assert accepted(GET + line + b"\r\n\r\n")[0][3][1] == pair
