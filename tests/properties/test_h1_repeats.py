"""Heads that come again on a connection: told as they were the first time, however they are cut."""

import pytest

from tercel.wire.errors import BadMessage
from tercel.wire.h1.connection import Connection, EndOfMessage
from tests.h1rows import STEP

HELLO = b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\nhello"
LATER = b"HTTP/1.1 200 OK\r\nDate: 1\r\nContent-Length: 5\r\n\r\nhello"
LONGER = b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 50\r\n\r\n" + b"hello" * 10
PREFIX = b"HTTP/1.1 200 OK\r\nDate: now\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"
CLOSES = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
ROWS = [
    [HELLO, HELLO, HELLO],
    [HELLO, LATER, HELLO, HELLO, LONGER, LONGER, HELLO],
    [CHUNKED, CHUNKED, HELLO, CHUNKED],
    [EARLY + HELLO, EARLY + HELLO, EARLY + EARLY + HELLO],
    [NOTHING, NOTHING, HELLO, NOTHING, CLOSES, CLOSES],
    [HELLO, PREFIX],
    [HELLO, HELLO[:-6] + b"X"],
]


def read(pieces: list[bytes]) -> list[object]:
    connection = Connection(False)
    connection.expect_response("GET")
    facts: list[object] = []
    try:
        for piece in pieces:
            connection.feed_data(piece)
            while True:
                event = connection.next_event()
                if event is None:
                    if not connection.message_done:
                        break
                    connection.expect_response("GET")
                elif isinstance(event, bytes):
                    facts.append(event)
                elif isinstance(event, EndOfMessage):
                    facts.append(event.trailers)
                else:
                    facts.append(
                        (
                            event.status,
                            event.reason,
                            event.version,
                            event.raw_headers,
                            tuple(event.headers.items()),
                            event.keep_alive,
                            event.chunked,
                            event.content_length,
                        )
                    )
    except BadMessage as error:
        facts.append(error.message)
    return joined(facts)


def joined(facts: list[object]) -> list[object]:
    """Pieces of a body that follow one another are one."""
    found: list[object] = []
    for fact in facts:
        if isinstance(fact, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += fact
        else:
            found.append(fact)
    return found


@pytest.mark.parametrize("answers", ROWS, ids=range(len(ROWS)))
def test_as_if_each_came_alone(answers: list[bytes]) -> None:
    expected = joined([fact for answer in answers for fact in read([answer])])
    data = b"".join(answers)
    assert read([data]) == expected
    assert read([data[i : i + 1] for i in range(len(data))]) == expected
    for cut in range(1, len(data), STEP):
        assert read([data[:cut], data[cut:]]) == expected


def test_limits_hold_for_heads_that_come_again() -> None:
    """A head is told again only as a whole: what begins like one is read."""
    data = HELLO + HELLO[:20] + b"\x00" + HELLO[20:]
    facts = read([data])
    assert facts[:3] == read([HELLO])
    assert "0x00" in str(facts[-1])
