"""Server-sent events as octets: the standard's examples, line ends and cuts, limits."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tercel.wire.errors import BadMessage
from tercel.wire.sse import (
    EventStreamDecoder,
    ServerSentEvent,
    encode_comment,
    encode_event,
)

Event = ServerSentEvent

# What comes, and the events in it. The first ones are the standard's own examples.
STREAMS: dict[str, tuple[bytes, list[Event]]] = {
    "three messages": (
        b"data: This is the first message.\n\n"
        b"data: This is the second message, it\ndata: has two lines.\n\n"
        b"data: This is the third message.\n\n",
        [
            Event("This is the first message."),
            Event("This is the second message, it\nhas two lines."),
            Event("This is the third message."),
        ],
    ),
    "types": (
        b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\ndata: x\n\n",
        [Event("73857293", "add"), Event("2153", "remove"), Event("x")],
    ),
    "stocks": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [Event("YHOO\n+2\n10")]),
    "ids": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
        b"data:  third event\n\n",
        [Event("first event", id="1"), Event("second event"), Event(" third event")],
    ),
    "empty data": (b"data\n\ndata\ndata\n\ndata:", [Event(""), Event("\n")]),
    "spaces": (b"data:test\n\ndata: test\n\n", [Event("test"), Event("test")]),
    "no end": (b"data: a\n\ndata: b\n", [Event("a")]),
    "bom": (b"\xef\xbb\xbfdata: a\n\n", [Event("a")]),
    "two boms": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [Event("b")]),
    "bom later": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [Event("a")]),
    "cr": (b"data: a\rdata: b\r\rdata: c\r\r", [Event("a\nb"), Event("c")]),
    "crlf": (b"data: a\r\ndata: b\r\n\r\n", [Event("a\nb")]),
    "mixed": (b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\r", [Event("a\nb\nc"), Event("d")]),
    "id stays": (b"id: 7\ndata: a\n\ndata: b\n\n", [Event("a", id="7"), Event("b", id="7")]),
    "id without data": (b"id: 7\n\ndata: b\n\n", [Event("b", id="7")]),
    "nul in id": (b"id: 7\nid: 8\x00\ndata: b\n\n", [Event("b", id="7")]),
    "type without data": (b"event: x\n\ndata: b\n\n", [Event("b")]),
    "unknown fields": (b"what: x\nDATA: x\n data: x\ndata : x\ndata: b\n\n", [Event("b")]),
    "colons": (b"data: a: b:c\n\ndata::\n\n", [Event("a: b:c"), Event(":")]),
    "not utf-8": (b"data: \xff\xc3\n\n", [Event("\ufffd\ufffd")]),
    "utf-8": ("data: 日本 🦅\n\n".encode(), [Event("日本 🦅")]),
}


def decode(pieces: list[bytes]) -> list[Event]:
    decoder = EventStreamDecoder()
    return [event for piece in pieces for event in decoder.feed_data(piece)]


@pytest.mark.parametrize("name", STREAMS)
def test_streams(name: str) -> None:
    raw, events = STREAMS[name]
    assert decode([raw]) == events
    assert decode([raw[i : i + 1] for i in range(len(raw))]) == events
    for cut in range(len(raw) + 1):
        assert decode([raw[:cut], b"", raw[cut:]]) == events


@pytest.mark.parametrize("raw", [STREAMS["mixed"][0], STREAMS["three messages"][0]])
def test_line_ends_are_equal(raw: bytes) -> None:
    expected = decode([raw])
    plain = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for end in (b"\r", b"\n", b"\r\n"):
        other = plain.replace(b"\n", end)
        for cut in range(len(other) + 1):
            assert decode([other[:cut], other[cut:]]) == expected


def test_retry_and_last_id() -> None:
    decoder = EventStreamDecoder("5")
    assert (decoder.last_event_id, decoder.retry) == ("5", None)
    for text, retry in (("10", 10), ("x", 10), ("-1", 10), ("1.5", 10), ("", 10), ("٣", 10)):
        decoder.feed_data(f"retry: {text}\n".encode())
        assert decoder.retry == retry
    decoder.feed_data(b"retry: " + b"9" * 50 + b"\n")
    assert decoder.retry == 10
    decoder.feed_data(b"id: 6\n")
    assert decoder.last_event_id == "5"  # an event that breaks off has not come
    decoder.feed_data(b"\n")
    assert decoder.last_event_id == "6"
    assert decoder.feed_data(b"data: x\n\n") == [Event("x", id="6")]


@pytest.mark.parametrize("raw", [b"data: " + b"x" * 994, b"data: a\n" * 200, b"x" * 1001])
@pytest.mark.parametrize("size", [1, 1000])
def test_the_size_of_an_event_is_bounded(raw: bytes, size: int) -> None:
    decoder = EventStreamDecoder(max_size=999)
    with pytest.raises(BadMessage, match="more than 999 octets"):
        for start in range(0, len(raw), size):
            decoder.feed_data(raw[start : start + size])


def test_many_small_events_and_comments_are_no_large_one() -> None:
    decoder = EventStreamDecoder(max_size=20)
    for _ in range(100):
        assert decoder.feed_data(b": ping pong\n\n: again\ndata: abc\n\n") == [Event("abc")]
    for _ in range(100):
        assert decoder.feed_data(b": comments alone\n") == []


def test_a_long_line_in_small_pieces_is_linear() -> None:
    decoder = EventStreamDecoder()
    for _ in range(200_000):
        decoder.feed_data(b"data: 67890")
    assert len(decoder.feed_data(b"\n\n")) == 1


# Writing

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ONE_LINE = TEXTS.map(lambda text: text.replace("\r", "").replace("\n", ""))


@given(TEXTS, ONE_LINE, ONE_LINE, st.integers(0, 10**9), st.data())
def test_what_is_written_is_read(text: str, event: str, id: str, retry: int, data: Any) -> None:
    id = id.replace("\0", "")
    raw = encode_event(text, event=event, id=id, retry=retry)
    cut = data.draw(st.integers(0, len(raw)))
    decoder = EventStreamDecoder()
    events = decoder.feed_data(raw[:cut]) + decoder.feed_data(raw[cut:])
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert events == [Event(expected, event or "message", id)]
    assert decoder.retry == retry
    assert decoder.feed_data(encode_comment(text)) == []


def test_octets() -> None:
    assert encode_event("a\r\nb\rc\n") == b"data: a\ndata: b\ndata: c\ndata: \n\n"
    assert encode_event("é", event="e", id="1", retry=0) == (
        "id: 1\nevent: e\nretry: 0\ndata: é\n\n".encode()
    )
    assert encode_event(None, retry=5) == b"retry: 5\n\n"
    assert encode_event(json.dumps({})) == b"data: {}\n\n"
    assert encode_comment() == b": \n\n"
    assert encode_comment("a\ndata: b\r\rc") == b": a\n: data: b\n: \n: c\n\n"


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"event": "a\ndata: b"}, ValueError, "event is"),
        ({"event": "a\r"}, ValueError, "event is"),
        ({"id": "\n"}, ValueError, "id is"),
        ({"id": "1\r2"}, ValueError, "id is"),
        ({"id": "1\x002"}, ValueError, "without NUL"),
        ({"retry": -1}, ValueError, "retry is"),
        ({"retry": "1\ndata: x"}, ValueError, "retry is"),
        ({"retry": 1.5}, ValueError, "retry is"),
        ({"event": b"x"}, TypeError, "expected a str"),
        ({"id": 5}, TypeError, "expected a str"),
    ],
)
def test_injection_is_refused(fields: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        encode_event("x", **fields)


def test_data_is_text() -> None:
    with pytest.raises(TypeError, match="expected a str"):
        encode_event(b"x")  # type: ignore[arg-type]
