"""Server-sent events: text/event-stream, written and read (HTML standard, "Server-sent events").

In: an event's data, type, id and retry; or the octets of a stream, however cut. Out: octets that
hold that one event whatever its text; or the events of a stream as the standard has them: a BOM is
dropped, lines end with LF, CR or CRLF, an event that its stream doesn't end is none. ValueError for
a type or an id that would be another field, BadMessage for an event that is too large.
"""

import re
from dataclasses import dataclass

from tercel.wire.errors import BadMessage

__all__ = ("EventStreamDecoder", "ServerSentEvent", "encode_comment", "encode_event")

_LINE_BREAK = re.compile("\r\n|\r|\n")
_LINE_BREAK_OCTETS = re.compile(b"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
#: Octets of one event, its field names included: it is held until it is whole.
_MAX_EVENT = 4 * 2**20


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. `event` is its type, "message" where the sender gave none.

    `id` is the last one that the stream has given, maybe with an earlier event; "" for none.
    """

    data: str
    event: str = "message"
    id: str = ""


def encode_event(
    data: str | None, *, event: str | None = None, id: str | None = None, retry: int | None = None
) -> bytes:
    """The octets of one event.

    `data` may hold line breaks; each becomes LF for the reader. None sends the other fields alone,
    which makes no event. `retry`: milliseconds until the reader connects again. TypeError for what
    is no str; ValueError for a line break in `event` or `id`, for NUL in `id`, for a negative
    `retry`.
    """
    lines = []
    if id is not None:
        lines.append(f"id: {_check('id', id)}")
        if "\0" in id:
            raise ValueError(f"the id is {id!r}, expected text without NUL")
    if event is not None:
        lines.append(f"event: {_check('event', event)}")
    if retry is not None:
        if not isinstance(retry, int) or retry < 0:
            raise ValueError(f"retry is {retry!r}, expected milliseconds from 0 on")
        lines.append(f"retry: {int(retry)}")
    if data is not None:
        if not isinstance(data, str):
            raise TypeError(f"data is {data!r}, expected a str")
        lines += [f"data: {line}" for line in _LINE_BREAK.split(data)]
    return ("\n".join(lines) + "\n\n").encode()


def encode_comment(text: str = "") -> bytes:
    """The octets of a comment, which readers skip: it keeps a connection awake."""
    return ("".join(f": {line}\n" for line in _LINE_BREAK.split(text)) + "\n").encode()


def _check(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, expected a str")
    if "\n" in value or "\r" in value:
        raise ValueError(f"{name} is {value!r}, expected text without line breaks")
    return value


class EventStreamDecoder:
    """Reads one stream of events.

    `last_event_id` is what a new connection has to say that goes on after this one: it may be
    given at first. `retry` is the reconnection time that the stream has set, in milliseconds, or
    None. `max_size`: octets of an event (4 MiB).
    """

    __slots__ = (
        "_data",
        "_event",
        "_held",
        "_id",
        "_is_first",
        "_max_size",
        "_size",
        "_skips_lf",
        "last_event_id",
        "retry",
    )

    def __init__(self, last_event_id: str = "", *, max_size: int = _MAX_EVENT) -> None:
        self.last_event_id = last_event_id
        self.retry: int | None = None
        self._max_size = max_size
        self._id = last_event_id
        self._event = ""
        self._data: list[str] = []
        self._held: list[bytes] = []  # of a line whose end has not come
        self._size = 0
        self._is_first = True
        self._skips_lf = False

    def feed_data(self, data: bytes) -> list[ServerSentEvent]:
        """Take octets; return the events that end in them. BadMessage for one that is too large."""
        if self._skips_lf and data:
            self._skips_lf = False
            if data.startswith(b"\n"):
                data = data[1:]
        if not data:
            return []
        self._skips_lf = data.endswith(b"\r")
        *lines, rest = _LINE_BREAK_OCTETS.split(data)
        events: list[ServerSentEvent] = []
        for line in lines:
            self._count(len(line))
            if self._held:
                self._held.append(line)
                line = b"".join(self._held)
                self._held.clear()
            event = self._take_line(line)
            if event is not None:
                events.append(event)
        if rest:
            self._count(len(rest))
            self._held.append(rest)
        return events

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._max_size:
            raise BadMessage(f"a server-sent event has more than {self._max_size} octets")

    def _take_line(self, line: bytes) -> ServerSentEvent | None:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id":
            if "\0" not in value:
                self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) <= 10:
            self.retry = int(value)
        elif not name:
            self._size -= len(line)  # a comment is no part of an event
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_event_id = self._id
        data, event = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        if not data:
            return None
        return ServerSentEvent("\n".join(data), event or "message", self._id)
