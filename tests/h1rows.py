"""The runner of HTTP/1.1 tables: the same octets, however cut, must give the same facts.

`read_all` gives what a `wire.h1.Connection` tells, normalised: pieces of a body joined, heads as
tuples. `check` feeds a row whole, octet by octet and in two parts at every offset.
"""

import os

from tercel.wire.errors import BadMessage, TruncatedMessage
from tercel.wire.h1.connection import Connection, EndOfMessage
from tercel.wire.h1.head import RequestHead
from tercel.wire.limits import DEFAULT_LIMITS, Limits

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
#: Cut at every offset; under valgrind, which takes its time, at some.
STEP = 53 if os.environ.get("TERCEL_FEW_CUTS") else 1


def read_all(
    pieces: list[bytes],
    *,
    server: bool = True,
    method: str = "GET",
    eof: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> list[tuple[object, ...]]:
    """Every fact of the octets in `pieces`; the last is ("refused", status) or ("truncated",)."""
    connection = Connection(server, limits)
    if not server:
        connection.expect_response(method)
    facts: list[tuple[object, ...]] = []
    try:
        for piece in pieces:
            connection.feed_data(piece)
            _take(connection, facts)
        if eof:
            connection.feed_eof()
            _take(connection, facts)
    except BadMessage as error:
        facts.append(("refused", error.status) if error.message else ("refused without a word",))
    except TruncatedMessage:
        facts.append(("truncated",))
    return facts


def _take(connection: Connection, facts: list[tuple[object, ...]]) -> None:
    while (event := connection.next_event()) is not None:
        if isinstance(event, bytes):
            if facts and facts[-1][0] == "data":
                event = facts.pop()[1] + event
            facts.append(("data", event))
        elif isinstance(event, EndOfMessage):
            facts.append(("end", event.trailers))
        elif isinstance(event, RequestHead):
            facts.append(
                ("request", event.method, event.target, event.raw_headers, event.keep_alive)
            )
        else:
            facts.append(("response", event.status, event.reason, event.keep_alive))
        if connection.message_done:
            connection.next_message()


def check(raw: bytes, expected: list[tuple[object, ...]], **how: object) -> None:
    """The facts of `raw` are `expected`, however it is cut."""
    assert read_all([raw], **how) == expected
    assert read_all([raw[i : i + 1] for i in range(len(raw))], **how) == expected
    if len(raw) < 2000:
        for cut in range(1, len(raw), STEP):
            assert read_all([raw[:cut], raw[cut:]], **how) == expected, cut


def refused(raw: bytes, status: int = 400, **how: object) -> None:
    """`raw` ends in a refusal with `status`, however it is cut and whatever follows it."""
    for pieces in (
        [raw],
        [raw + b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n"],
        [raw[i : i + 1] for i in range(len(raw))],
        *([raw[:cut], raw[cut:]] for cut in range(1, len(raw) if len(raw) < 2000 else 1, STEP)),
    ):
        facts = read_all(pieces, **how)
        assert facts[-1:] == [("refused", status)], (facts, pieces)
        assert not any("evil" in repr(fact) for fact in facts)


def accepted(raw: bytes, **how: object) -> list[tuple[object, ...]]:
    """`raw` is read without refusal, however it is cut; returns its facts."""
    facts = read_all([raw], **how)
    assert facts, raw
    assert facts[-1][0] not in ("refused", "truncated"), facts
    check(raw, facts, **how)
    return facts
