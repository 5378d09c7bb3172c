"""The runner of WebSocket tables: the same octets fed whole and cut everywhere must tell the same.

`frame` makes what a peer sends, right or wrong. `read_all` gives what a `wire.ws.Connection` tells,
as tuples; `check` feeds a row whole, octet by octet and in two parts at every offset, and `refused`
the same with more octets behind it.
"""

import os
from typing import Any

from tercel.wire.ws.codes import WebSocketError
from tercel.wire.ws.connection import Connection
from tercel.wire.ws.deflate import Deflater, Inflater

KEY = b"\x01\x80\xfe\x37"
#: Cut at every offset; under valgrind, which takes its time, at some.
STEP = 53 if os.environ.get("TERCEL_FEW_CUTS") else 1
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes | None = KEY,
    size: int | None = None,
    width: int | None = None,
) -> bytes:
    """A frame; `size` states another length than the payload's, `width` the octets to state it."""
    count = len(payload) if size is None else size
    if width is None:
        width = 0 if count < 126 else 2 if count < 65536 else 8
    mark = {0: count, 2: 126, 8: 127}[width]
    head = bytes((fin << 7 | rsv << 4 | opcode, (key is not None) << 7 | mark))
    head += count.to_bytes(width, "big") if width else b""
    if key is None:
        return head + payload
    return head + key + bytes(octet ^ key[i & 3] for i, octet in enumerate(payload))


def make(
    *,
    server: bool = True,
    max_size: int = 1000,
    deflate: bool = False,
    takeover: bool = True,
    bits: int = 15,
    decode_text: bool = True,
    room: Any = Connection,
) -> Any:
    """A connection for a table."""
    inflater = Inflater(bits, takeover) if deflate else None
    deflater = Deflater(bits, takeover) if deflate else None
    return room(server, max_size, decode_text, inflater, deflater)


def read_all(pieces: list[bytes], connection: Any) -> list[tuple[object, ...]]:
    """Every fact of the octets in `pieces`; the last is ("refused", code) where they end in one."""
    facts: list[tuple[object, ...]] = []
    refusal = None
    try:
        for piece in pieces:
            connection.feed_data(piece)
            while (event := connection.next_event()) is not None:
                facts.append(
                    (int(event[0]), event[1], event[2])
                    if event[0] == CLOSE
                    else (int(event[0]), event[1])
                )
    except Exception as error:
        if type(error).__name__ != WebSocketError.__name__:
            raise
        refusal = error
    if refusal is not None:
        assert str(refusal), "a refusal needs a sentence"
        assert connection.is_done
        assert connection.next_event() is None
        facts.append(("refused", refusal.code))  # type: ignore[attr-defined]
    return facts


def cuts(raw: bytes) -> list[list[bytes]]:
    """`raw` whole, octet by octet, and in two parts at every offset."""
    ways = [[raw], [raw[i : i + 1] for i in range(len(raw))]]
    if len(raw) < 1500:
        ways.extend([raw[:cut], raw[cut:]] for cut in range(1, len(raw), STEP))
    return ways


def check(raw: bytes, expected: list[tuple[object, ...]], **how: Any) -> None:
    """The facts of `raw` are `expected`, however it is cut."""
    for pieces in cuts(raw):
        assert read_all(pieces, make(**how)) == expected, pieces


def refused(raw: bytes, code: int, **how: Any) -> None:
    """`raw` ends in a refusal with `code`, however it is cut and whatever follows it."""
    evil = frame(TEXT, b"evil", key=KEY if how.get("server", True) else None)
    for pieces in [*cuts(raw), [raw + evil], [raw, evil]]:
        facts = read_all(pieces, make(**how))
        assert facts[-1] == ("refused", code), (facts, pieces)
        assert "evil" not in repr(facts)
