"""Family 15: the reason phrase and the target, read and written [CVE-2023-49081]."""

import pytest

from tercel.wire.h1.encode import encode_request_head, encode_response_head
from tests.h1rows import accepted, refused

CONTROLS = [chr(code) for code in (*range(0x09), *range(0x0A, 0x20), 0x7F)]


@pytest.mark.parametrize("control", CONTROLS)
def test_a_reason_with_a_control_character_is_not_written(control: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        encode_response_head(200, f"O{control}K", ())


@pytest.mark.parametrize("control", [chr(code) for code in range(0x21)] + ["\x7f", " "])
def test_a_target_with_white_space_or_controls_is_not_written(control: str) -> None:
    with pytest.raises(ValueError, match="target"):
        encode_request_head("GET", f"/a{control}b", ())


@pytest.mark.parametrize("status", [0, 99, 1000, -1])
def test_a_status_out_of_range_is_not_written(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        encode_response_head(status, "", ())


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 20",
        b"HTTP/1.1 2000",
        b"HTTP/1.1 2x0",
        b"HTTP/1.1  200",
        b"HTTP/1.1 -20",
        b"HTTP/1.1 +20",
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1 099 x",
        b"HTTP/1.1 200OK",
        b"HTTP/1.1 200 O\0K",
        b"HTTP/1.1\t200 OK",
    ],
)
def test_a_malformed_status_line_is_refused(line: bytes) -> None:
    refused(line + b"\r\nContent-Length: 0\r\n\r\n", server=False)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"HTTP/1.1 200 OK", "OK"),
        (b"HTTP/1.1 200 ", ""),
        (b"HTTP/1.1 200", ""),
        (b"HTTP/1.1 299 a  b\tc", "a  b\tc"),
        ("HTTP/1.1 200 Très bien".encode(), "Très bien"),
    ],
)
def test_read(line: bytes, reason: str) -> None:
    assert accepted(line + b"\r\nContent-Length: 0\r\n\r\n", server=False)[0][2] == reason
