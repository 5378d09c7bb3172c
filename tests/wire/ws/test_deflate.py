"""permessage-deflate: windows, takeover, ceilings, and what zlib's peers may do."""

import zlib

import pytest

from tercel.wire.ws.codes import WebSocketError
from tercel.wire.ws.deflate import Deflater, Inflater
from tests.wsrows import BINARY, TEXT, check, frame, make, read_all, refused

TAIL = b"\x00\x00\xff\xff"


def squeeze(data: bytes, bits: int = 15) -> bytes:
    """`data` as the payload of a compressed message."""
    inner = zlib.compressobj(9, zlib.DEFLATED, -bits)
    return (inner.compress(data) + inner.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


HELLO = bytes.fromhex("f248cdc9c90700")  # RFC 7692 section 7.2.3.1

ROWS = {
    "one frame": (frame(TEXT, HELLO, rsv=4), [(TEXT, "Hello")]),
    "two fragments": (
        frame(TEXT, HELLO[:3], rsv=4, fin=False) + frame(0, HELLO[3:]),
        [(TEXT, "Hello")],
    ),
    "a ping between fragments": (
        frame(TEXT, HELLO[:3], rsv=4, fin=False) + frame(9) + frame(0, HELLO[3:]),
        [(9, b""), (TEXT, "Hello")],
    ),
    "the window of the message before": (
        frame(TEXT, HELLO, rsv=4) + frame(TEXT, bytes.fromhex("f200110000"), rsv=4),
        [(TEXT, "Hello"), (TEXT, "Hello")],
    ),
    "a block that is stored": (
        frame(TEXT, bytes.fromhex("000500faff48656c6c6f00"), rsv=4),
        [(TEXT, "Hello")],
    ),
    "a final block": (frame(TEXT, bytes.fromhex("f348cdc9c9070000"), rsv=4), [(TEXT, "Hello")]),
    "two blocks": (
        frame(TEXT, bytes.fromhex("f248050000 00ffffcac9c90700".replace(" ", "")), rsv=4),
        [(TEXT, "Hello")],
    ),
    "an empty message": (frame(TEXT, b"\x00", rsv=4), [(TEXT, "")]),
    "an empty payload": (frame(BINARY, b"", rsv=4), [(BINARY, b"")]),
    "a message that is not compressed": (
        frame(TEXT, b"plain") + frame(TEXT, HELLO, rsv=4),
        [(TEXT, "plain"), (TEXT, "Hello")],
    ),
    "a long one": (
        frame(BINARY, squeeze(b"abc" * 333), rsv=4),
        [(BINARY, b"abc" * 333)],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_compressed_messages(row: str) -> None:
    check(*ROWS[row], deflate=True)


REFUSED = {
    "no deflate": (frame(TEXT, b"\xff\xff\xff\xff", rsv=4), 1007),
    "text that is none": (frame(TEXT, squeeze(b"\xff\xfe"), rsv=4), 1007),
    "text that is none, at once": (frame(TEXT, squeeze(b"\xff" * 900), rsv=4, fin=False), 1007),
    "a continuation with RSV1": (
        frame(TEXT, HELLO[:2], rsv=4, fin=False) + frame(0, HELLO[2:], rsv=4),
        1002,
    ),
    "a ping with RSV1": (frame(9, b"", rsv=4), 1002),
    "RSV2": (frame(TEXT, HELLO, rsv=6), 1002),
    "a bomb": (frame(BINARY, squeeze(b"\0" * 10_000_000), rsv=4, size=20_000), 1009),
    "a bomb in fragments": (
        frame(BINARY, squeeze(b"\0" * 600), rsv=4, fin=False)[:0]
        + frame(BINARY, squeeze(b"\0" * 1001)[:-1], rsv=4, fin=False)
        + frame(0, squeeze(b"\0" * 1001)[-1:]),
        1009,
    ),
    "one octet too many": (frame(BINARY, squeeze(b"\0" * 1001), rsv=4), 1009),
    "ends over and over": (frame(BINARY, b"\x03\x00" * 400, rsv=4), 1002),
}


@pytest.mark.parametrize("row", REFUSED)
def test_refused(row: str) -> None:
    raw, code = REFUSED[row]
    if row in ("a bomb", "ends over and over"):
        assert read_all([raw], make(deflate=True))[-1] == ("refused", code)
    else:
        refused(raw, code, deflate=True)


def test_rsv1_without_an_agreement() -> None:
    refused(frame(TEXT, HELLO, rsv=4), 1002)


def test_as_much_as_allowed() -> None:
    check(frame(BINARY, squeeze(b"\0" * 1000), rsv=4), [(BINARY, b"\0" * 1000)], deflate=True)


def test_windows_are_held_only_with_takeover() -> None:
    for takeover in (True, False):
        deflater, inflater = Deflater(15, takeover), Inflater(15, takeover)
        assert not deflater.holds_window
        assert not inflater.holds_window
        for _ in range(3):
            data = b"the same words " * 10
            assert inflater.inflate(deflater.deflate(data), True, 0) == data
        assert deflater.holds_window is takeover
        assert inflater.holds_window is takeover


def test_takeover_makes_the_third_message_small() -> None:
    data = bytes(range(256))
    kept, fresh = Deflater(15, True), Deflater(15, False)
    sizes = [len(kept.deflate(data)) for _ in range(3)]
    assert sizes[1] == sizes[0]
    assert sizes[2] < sizes[0] / 4
    assert len(fresh.deflate(data)) == len(fresh.deflate(data))


def test_who_hardly_speaks_holds_no_window() -> None:
    deflater = Deflater(15, True)
    deflater.deflate(b"a message")
    assert not deflater.holds_window
    deflater.deflate(b"another")
    assert deflater.holds_window
    deflater.rest()
    deflater.deflate(b"after a while")
    assert not deflater.holds_window


def test_a_window_may_be_forgotten_at_any_time() -> None:
    deflater, inflater = Deflater(15, True), Inflater(15, True)
    data = b"once upon a time " * 5
    for turn in range(9):
        if turn % 3 == 2:
            deflater.forget()
        if turn == 5:
            deflater.rest()
        assert inflater.inflate(deflater.deflate(data), True, 0) == data


def test_a_level_of_its_own_does_not_confuse_the_window() -> -1:
    deflater, inflater = Deflater(15, True), Inflater(15, True)
    for level in (-1, 9, -1, -1, 1, -1):
        data = b"a message of level %r, again and again" % level if level > 0 else b"as usual " * 9
        assert inflater.inflate(deflater.deflate(data, level), True, 0) == data


@pytest.mark.parametrize("bits", range(9, 16))
def test_windows_of_every_size(bits: int) -> None:
    deflater, inflater = Deflater(bits, True), Inflater(bits, True)
    for turn in range(4):
        data = (b"%d" % turn + bytes(range(256))) * 300
        assert inflater.inflate(deflater.deflate(data), True, 0) == data


def test_the_smallest_window_is_read_but_not_written() -> None:
    assert not Deflater(8, True).can_deflate
    connection = make(deflate=True, bits=8)
    assert connection.encode(TEXT, b"x" * 50, None, -1) == frame(TEXT, b"x" * 50, key=None)


def test_room() -> None:
    inflater = Inflater(15, True)
    assert inflater.inflate(squeeze(b"x" * 500), True, 500) == b"x" * 500
    with pytest.raises(WebSocketError) as caught:
        inflater.inflate(squeeze(b"x" * 500), True, 499)
    assert caught.value.code == 1009
