"""Family 16: fields written with every control character [CVE-2026-50269]."""

import pytest
from multidict import CIMultiDict

from tercel.wire.h1.encode import (
    encode_fields,
    encode_last_chunk,
    encode_request_head,
    encode_response_head,
)

CONTROLS = [chr(code) for code in (*range(0x09), *range(0x0A, 0x20), 0x7F)]
WRITERS = [
    lambda fields: encode_response_head(200, "OK", fields),
    lambda fields: encode_request_head("GET", "/", fields),
    encode_last_chunk,
    encode_fields,
]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("control", CONTROLS)
def test_a_value_with_a_control_character_is_not_written(write, control: str) -> None:
    for value in (f"a{control}b", f"{control}a", f"a{control}", f"é{control}"):
        with pytest.raises(ValueError, match="value of X"):
            write([("X", value)])


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    "name", ["", "a b", "a:", "a\r\nb", "é", "a\0", "a\t", "(a)", "a\udc80", *CONTROLS]
)
def test_a_name_that_is_no_token_is_not_written(write, name: str) -> None:
    with pytest.raises(ValueError, match="field name"):
        write([(name, "x")])


def test_a_name_refused_once_is_refused_again() -> None:
    for _ in range(3):
        with pytest.raises(ValueError, match="field name"):
            encode_fields([("a b", "x")])


def test_what_may_stand_is_written_as_it_is() -> None:
    fields = CIMultiDict([("X-A", "tab\there"), ("x-a", "é"), ("Y", ""), ("Z", "\udcff")])
    assert encode_fields(fields.items()) == b"X-A: tab\there\r\nx-a: \xc3\xa9\r\nY: \r\nZ: \xff\r\n"
