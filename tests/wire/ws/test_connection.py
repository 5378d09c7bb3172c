"""What a connection reads: messages and control frames, whole, in fragments, and cut anywhere."""

import itertools
from typing import Any

import pytest

from tests.twins import load_twins
from tests.wsrows import (
    BINARY,
    CLOSE,
    KEY,
    PING,
    PONG,
    TEXT,
    check,
    frame,
    make,
    read_all,
)

EURO = "€".encode()

ROWS = {
    "text": (frame(TEXT, b"hello"), [(TEXT, "hello")]),
    "text, empty": (frame(TEXT), [(TEXT, "")]),
    "text of many scripts": (
        frame(TEXT, "Köln €\U0001f30d".encode()),
        [(TEXT, "Köln €\U0001f30d")],
    ),
    "binary": (frame(BINARY, b"\x00\xff\x80"), [(BINARY, b"\x00\xff\x80")]),
    "two messages": (
        frame(TEXT, b"a") + frame(BINARY, b"b"),
        [(TEXT, "a"), (BINARY, b"b")],
    ),
    "125 octets": (frame(BINARY, b"x" * 125), [(BINARY, b"x" * 125)]),
    "126 octets": (frame(BINARY, b"x" * 126), [(BINARY, b"x" * 126)]),
    "a length stated at length": (frame(BINARY, b"x", width=8), [(BINARY, b"x")]),
    "fragments": (
        frame(TEXT, b"a", fin=False) + frame(0, b"b", fin=False) + frame(0, b"c"),
        [(TEXT, "abc")],
    ),
    "fragments, some empty": (
        frame(BINARY, b"", fin=False) + frame(0, b"b", fin=False) + frame(0, b""),
        [(BINARY, b"b")],
    ),
    "fragments, all empty": (frame(TEXT, fin=False) + frame(0), [(TEXT, "")]),
    "control frames between fragments": (
        frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(PONG, b"q") + frame(0, b"b"),
        [(PING, b"p"), (PONG, b"q"), (TEXT, "ab")],
    ),
    "a character over two fragments": (
        frame(TEXT, EURO[:1], fin=False) + frame(0, EURO[1:2], fin=False) + frame(0, EURO[2:]),
        [(TEXT, "€")],
    ),
    "ping of 125 octets": (frame(PING, b"p" * 125), [(PING, b"p" * 125)]),
    "close": (frame(CLOSE), [(CLOSE, 0, "")]),
    "close with a code": (frame(CLOSE, b"\x03\xe9"), [(CLOSE, 1001, "")]),
    "close with a reason": (
        frame(CLOSE, b"\x0f\xa0" + EURO * 41),
        [(CLOSE, 4000, "€" * 41)],
    ),
    "close in the middle of a message": (
        frame(TEXT, b"a", fin=False) + frame(CLOSE, b"\x03\xe8"),
        [(CLOSE, 1000, "")],
    ),
    "nothing after close": (
        frame(CLOSE, b"\x03\xe8") + frame(TEXT, b"late") + b"\xff\xff",
        [(CLOSE, 1000, "")],
    ),
    "as much as allowed": (frame(BINARY, b"x" * 1000), [(BINARY, b"x" * 1000)]),
    "as much as allowed, in fragments": (
        frame(BINARY, b"x" * 600, fin=False) + frame(0, b"y" * 400),
        [(BINARY, b"x" * 600 + b"y" * 400)],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_messages_of_a_client(row: str) -> None:
    check(ROWS[row][0], ROWS[row][1])


@pytest.mark.parametrize("row", ROWS)
def test_messages_of_a_server(row: str) -> None:
    raw, expected = ROWS[row]
    unmasked = b""
    while raw and raw != b"\xff\xff":
        bare, raw = _unmask_first(raw)
        unmasked += bare
    check(unmasked + raw, expected, server=False)


def _unmask_first(raw: bytes) -> tuple[bytes, bytes]:
    """The first frame without its mask, and the rest."""
    mark = raw[1] & 127
    width = {126: 2, 127: 8}.get(mark, 0)
    size = int.from_bytes(raw[2 : 2 + width], "big") if width else mark
    start = 2 + width + 4
    payload = bytes(octet ^ KEY[i & 3] for i, octet in enumerate(raw[start : start + size]))
    head = bytes((raw[0], mark)) + raw[2 : 2 + width]
    return head + payload, raw[start + size :]


def test_large_frames_are_read_at_every_width() -> None:
    for size in (65535, 65536, 70001):
        data = bytes(itertools.islice(itertools.cycle(range(256)), size))
        raw = frame(BINARY, data)
        for pieces in ([raw], [raw[i : i + 1009] for i in range(0, len(raw), 1009)]):
            assert read_all(pieces, make(max_size=0)) == [(BINARY, data)]


def test_text_may_stay_bytes_but_is_checked() -> None:
    check(frame(TEXT, EURO), [(TEXT, EURO)], decode_text=False)
    check(frame(TEXT, b"abc"), [(TEXT, b"abc")], decode_text=False)
    for pieces in ([frame(TEXT, b"\xff")], [frame(TEXT, b"\xff", fin=False)]):
        assert read_all(pieces, make(decode_text=False)) == [("refused", 1007)]


def test_bad_text_is_noticed_as_it_comes() -> None:
    connection = make()
    start = frame(TEXT, b"good, then \xce\xba\xff and a long rest", size=500)
    assert read_all([start], connection) == [("refused", 1007)]


def test_an_unfinished_message_is_held_once() -> None:
    connection = make(max_size=100_000)
    for _ in range(50):
        connection.feed_data(
            frame(BINARY, b"x" * 100, fin=False)
            if not connection.message_size
            else frame(0, b"x" * 100, fin=False)
        )
        assert connection.next_event() is None
    assert connection.message_size == 5000
    assert connection.count_held() == 0


def test_half_a_frame_is_not_kept_as_it_came() -> None:
    connection = make(max_size=100_000)
    connection.feed_data(frame(BINARY, b"y" * 5000, size=50_000))
    assert connection.next_event() is None
    assert connection.count_held() == 0
    assert connection.message_size == 5000


def test_many_tiny_frames_take_linear_work() -> None:
    raw = frame(TEXT, b"a", fin=False) + frame(0, b"b", fin=False) * 50_000 + frame(0, b"c")
    facts = read_all([raw], make(max_size=0))
    assert facts == [(TEXT, "a" + "b" * 50_000 + "c")]


@pytest.mark.parametrize("server", [True, False])
@pytest.mark.parametrize("deflate", [False, True])
def test_what_one_side_encodes_the_other_reads(server: bool, deflate: bool) -> None:
    writer = make(server=not server, deflate=deflate)
    reader = make(server=server, deflate=deflate, max_size=0)
    key = KEY if server else None
    for payload in (b"", b"x", b"hello " * 40, bytes(range(256)) * 300):
        reader.feed_data(writer.encode(BINARY, payload, key, -1))
        assert reader.next_event()[1] == payload
    reader.feed_data(writer.encode(PING, b"p", key, -1))
    assert reader.next_event()[:2] == (PING, b"p")


def test_both_builds_tell_the_same() -> None:
    rooms = [module.Connection for module in load_twins("tercel.wire.ws.connection")]
    for raw, expected in ROWS.values():
        for room in rooms:
            found: list[Any] = read_all([raw[:3], raw[3:]], make(room=room))
            assert found == expected
