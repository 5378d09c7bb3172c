"""Frames on their way out (RFC 6455 section 5.2).

In: what the first octet says, a payload, a masking key or None. Out: the frame as bytes. Never
checks whether the frame makes sense where it goes: that is `connection`'s part.
"""

from struct import Struct

from tercel.wire.ws.codes import is_wire_code
from tercel.wire.ws.mask import mask_tail

__all__ = ("FIN", "RSV1", "encode_close", "encode_frame", "encode_frame_head")

#: Bits of the first octet.
FIN = 0x80
RSV1 = 0x40

#: Octets of a control frame's payload (RFC 6455 section 5.5).
_MAX_CONTROL = 125

_pack_2 = Struct(">BB").pack
_pack_4 = Struct(">BBH").pack
_pack_10 = Struct(">BBQ").pack
#: Heads of unmasked text and binary frames below 126 octets.
_TEXT_HEADS = [bytes((0x81, size)) for size in range(126)]
_BINARY_HEADS = [bytes((0x82, size)) for size in range(126)]


def encode_frame_head(first: int, size: int, is_masked: bool) -> bytes:
    """The head of a frame up to its masking key; `first` is the whole first octet."""
    bit = 0x80 if is_masked else 0
    if size < 126:
        if not is_masked:
            if first == 0x81:
                return _TEXT_HEADS[size]
            if first == 0x82:
                return _BINARY_HEADS[size]
        return _pack_2(first, bit | size)
    if size < 65536:
        return _pack_4(first, bit | 126, size)
    return _pack_10(first, bit | 127, size)


def encode_frame(first: int, payload: bytes, key: bytes | None) -> bytes:
    """A whole frame, masked with `key` where there is one."""
    size = len(payload)
    head = encode_frame_head(first, size, key is not None)
    if key is None:
        return head + payload
    return mask_tail(head, payload, key)


def encode_close(code: int, reason: str | bytes) -> bytes:
    """The payload of a Close frame; none at all for code 0.

    ValueError for a code that may not be sent and for a reason over 123 octets (RFC 6455 sections
    5.5.1 and 7.4).
    """
    text = reason.encode() if isinstance(reason, str) else bytes(reason)
    if code == 0 and not text:
        return b""
    if not is_wire_code(code):
        raise ValueError(f"the close code is {int(code)}, which may not be sent in a Close frame")
    if len(text) > _MAX_CONTROL - 2:
        raise ValueError(f"the reason for closing has {len(text)} octets, expected 123 at most")
    return int(code).to_bytes(2, "big") + text
