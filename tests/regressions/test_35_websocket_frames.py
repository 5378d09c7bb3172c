"""Family 35: frames that a peer must not send, refused with the right code however they are cut."""

import pytest

from tercel.wire.ws.connection import Connection
from tests.twins import load_twins
from tests.wsrows import BINARY, CLOSE, PING, PONG, TEXT, check, frame, make, read_all, refused

ROWS = {
    # name: octets, code, how
    "unmasked from a client": (frame(TEXT, b"a", key=None), 1002, {}),
    "masked from a server": (frame(TEXT, b"a"), 1002, {"server": False}),
    "masked and empty from a server": (frame(PING), 1002, {"server": False}),
    "RSV1 without deflate": (frame(TEXT, b"a", rsv=4), 1002, {}),
    "RSV2": (frame(TEXT, b"a", rsv=2), 1002, {}),
    "RSV3": (frame(TEXT, b"a", rsv=1), 1002, {}),
    "RSV2 with deflate": (frame(TEXT, b"a", rsv=2), 1002, {"deflate": True}),
    "RSV1 on a ping with deflate": (frame(PING, b"a", rsv=4), 1002, {"deflate": True}),
    "RSV1 on a continuation with deflate": (
        frame(TEXT, b"a", fin=False) + frame(0, b"a", rsv=4),
        1002,
        {"deflate": True},
    ),
    **{
        f"opcode {opcode}": (frame(opcode, b"a"), 1002, {})
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    },
    **{
        f"126 octets of control frame {opcode}": (frame(opcode, b"a" * 126), 1002, {})
        for opcode in (CLOSE, PING, PONG)
    },
    **{
        f"a fragmented control frame {opcode}": (frame(opcode, b"\x03\xe8", fin=False), 1002, {})
        for opcode in (CLOSE, PING, PONG)
    },
    "a continuation without a message": (frame(0, b"a"), 1002, {}),
    "a continuation after the last fragment": (
        frame(TEXT, b"a", fin=False) + frame(0, b"b") + frame(0, b"c"),
        1002,
        {},
    ),
    "a message in a message": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002, {}),
    "a binary fragment in a text": (
        frame(TEXT, b"a", fin=False) + frame(BINARY, b"b", fin=False),
        1002,
        {},
    ),
    "the top bit of a length": (frame(TEXT, size=1 << 63, width=8), 1002, {"max_size": 0}),
    "the longest length": (frame(BINARY, size=(1 << 64) - 1, width=8), 1002, {}),
    "a close of one octet": (frame(CLOSE, b"\x03"), 1002, {}),
    **{
        f"close code {code}": (frame(CLOSE, code.to_bytes(2, "big")), 1002, {})
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535)
    },
    "a close reason that is no text": (frame(CLOSE, b"\x03\xe8\xff"), 1007, {}),
    "a close reason that breaks off": (frame(CLOSE, b"\x03\xe8\xe2\x82"), 1007, {}),
    "text that is no UTF-8": (frame(TEXT, b"ab\x80"), 1007, {}),
    "text with a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007, {}),
    "text with an overlong form": (frame(TEXT, b"\xc0\xaf"), 1007, {}),
    "text over U+10FFFF": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007, {}),
    "text that breaks off": (frame(TEXT, b"\xe2\x82"), 1007, {}),
    "text that breaks off at its last fragment": (
        frame(TEXT, b"a\xe2", fin=False) + frame(0, b"\x82"),
        1007,
        {},
    ),
    "text that is none from its first fragment on": (
        frame(TEXT, b"\xe2\x28", fin=False),
        1007,
        {},
    ),
    "text that another fragment spoils": (
        frame(TEXT, b"\xe2", fin=False) + frame(0, b"\x28", fin=False),
        1007,
        {},
    ),
    "a message over the limit": (frame(BINARY, b"x" * 1001), 1009, {}),
    "a length over the limit, and nothing more": (frame(BINARY, size=1001), 1009, {}),
    "2**62 octets announced": (frame(BINARY, size=1 << 62, width=8), 1009, {}),
    "fragments over the limit": (
        frame(BINARY, b"x" * 600, fin=False) + frame(0, b"x" * 401, fin=False),
        1009,
        {},
    ),
    "a fragment that would go over the limit": (
        frame(BINARY, b"x" * 600, fin=False) + frame(0, size=401, fin=False),
        1009,
        {},
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_refused(row: str) -> None:
    raw, code, how = ROWS[row]
    refused(raw, code, **how)


@pytest.mark.parametrize("row", ROWS)
def test_refused_on_both_builds(row: str) -> None:
    raw, code, how = ROWS[row]
    for module in load_twins("tercel.wire.ws.connection"):
        assert read_all([raw], make(room=module.Connection, **how))[-1] == ("refused", code)


BESIDE = {
    "125 octets of a ping": (frame(PING, b"a" * 125), [(PING, b"a" * 125)]),
    "the lowest close codes": (frame(CLOSE, b"\x03\xe8"), [(CLOSE, 1000, "")]),
    "the highest close code": (frame(CLOSE, b"\x13\x87"), [(CLOSE, 4999, "")]),
    "as long as allowed": (frame(BINARY, b"x" * 1000), [(BINARY, b"x" * 1000)]),
    "U+10FFFF": (frame(TEXT, b"\xf4\x8f\xbf\xbf"), [(TEXT, "\U0010ffff")]),
    "U+D7FF": (frame(TEXT, b"\xed\x9f\xbf"), [(TEXT, "\ud7ff")]),
}


@pytest.mark.parametrize("row", BESIDE)
def test_the_other_side_of_the_limits(row: str) -> None:
    check(*BESIDE[row])


def test_an_unfinished_message_holds_no_more_than_the_limit() -> None:
    connection = Connection(True, 1000)
    connection.feed_data(frame(BINARY, b"", fin=False))
    assert connection.next_event() is None
    for _ in range(1000):
        connection.feed_data(frame(0, b"x", fin=False))
        assert connection.next_event() is None
    assert connection.message_size + connection.count_held() <= 1000
    assert read_all([frame(0, b"x", fin=False)], connection) == [("refused", 1009)]
    assert connection.message_size + connection.count_held() == 0


def test_empty_fragments_without_end_hold_nothing() -> None:
    connection = Connection(True, 1000)
    connection.feed_data(frame(BINARY, b"", fin=False) + frame(0, b"", fin=False) * 10_000)
    assert connection.next_event() is None
    assert connection.message_size + connection.count_held() == 0
