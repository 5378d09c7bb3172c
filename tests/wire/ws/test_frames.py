"""Frames on their way out."""

import pytest

from tercel.wire.ws.frames import encode_close, encode_frame, encode_frame_head
from tests.wsrows import KEY, frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("opcode", [1, 2, 8, 9, 10])
def test_frames(size: int, key: bytes | None, opcode: int) -> None:
    payload = b"\xa5" * size
    encoded = encode_frame(0x80 | opcode, payload, key)
    assert encoded == frame(opcode, payload, key=key)
    head = encode_frame_head(0x80 | opcode, size, key is not None)
    assert encoded.startswith(head)
    assert len(encoded) == len(head) + size + (4 if key else 0)


def test_the_examples_of_the_rfc() -> None:
    assert encode_frame(0x81, b"Hello", None) == bytes.fromhex("810548656c6c6f")
    assert encode_frame(0x81, b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex(
        "818537fa213d7f9f4d5158"
    )
    assert encode_frame(0x01, b"Hel", None) == bytes.fromhex("010348656c")
    assert encode_frame_head(0x82, 256, False) == bytes.fromhex("827e0100")
    assert encode_frame_head(0x82, 65536, False) == bytes.fromhex("827f0000000000010000")


@pytest.mark.parametrize(
    ("code", "reason", "payload"),
    [
        (0, b"", b""),
        (1000, b"", b"\x03\xe8"),
        (1001, "grüß", b"\x03\xe9gr\xc3\xbc\xc3\x9f"),
        (4999, b"r" * 123, b"\x13\x87" + b"r" * 123),
    ],
)
def test_close(code: int, reason: str | bytes, payload: bytes) -> None:
    assert encode_close(code, reason) == payload


@pytest.mark.parametrize("code", [-1, 0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536])
def test_codes_that_are_not_sent(code: int) -> None:
    with pytest.raises(ValueError, match="close code"):
        encode_close(code, b"x")


def test_a_reason_has_a_limit() -> None:
    with pytest.raises(ValueError, match="124"):
        encode_close(1000, b"r" * 124)
    with pytest.raises(ValueError, match="124"):
        encode_close(1000, "é" * 62)
