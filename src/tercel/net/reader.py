"""The bytes of one body between the connection that feeds them and the coroutine that reads them.

In: pieces, ends of HTTP chunks, the end of the body, or an exception. Out: what a reader asks for
and is at hand, without waiting; waiting is `streams.StreamReader`'s. Every byte is moved a bounded
number of times, however small the pieces. Asks `flow` to pause while more than twice the limit,
or too many pieces, are held; asks it to resume when less than the limit is. Never drops a byte,
save those of a line that is refused as too long.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from tercel.wire.errors import BadMessage

__all__ = ("ByteQueue", "Flow", "LineTooLong")

_MIN_PIECES = 64  # pieces: below it, counting them would slow down honest peers
_BYTES_PER_PIECE = 64  # octets: a piece costs about this much beside its own octets


class Flow(Protocol):
    """What a queue tells its source: the connection, as seen from a body."""

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class LineTooLong(BadMessage, ValueError):
    """No separator came within the limit (streams.rst, StreamReader.readuntil)."""


class ByteQueue:
    """Pieces of a body in order; at most one reader waits for more.

    `flow` is paused and resumed as the queue fills and empties (None: never), `limit` is in octets.
    `total_bytes` counts what was fed, `total_compressed_bytes` is what it was before decompression,
    or None where nothing was compressed.
    """

    __slots__ = (
        "_boundaries",
        "_eof",
        "_eof_callbacks",
        "_eof_waiter",
        "_error",
        "_flow",
        "_high",
        "_is_paused",
        "_loop",
        "_low",
        "_max_pieces",
        "_offset",
        "_pieces",
        "_scanned",
        "_separator",
        "_size",
        "_timer",
        "_waiter",
        "total_bytes",
        "total_compressed_bytes",
    )

    def __init__(self, flow: Any, limit: int, timer: Any, loop: Any) -> None:
        self._boundaries: deque[int] | None = None  # ends of HTTP chunks, counted from the start
        self._eof = False
        self._eof_callbacks: list[Callable[[], None]] | None = None
        self._eof_waiter: Any = None
        self._error: BaseException | None = None
        self._flow: Flow | None = flow
        self._is_paused = False
        self._loop = loop
        self._low = limit
        self._high = limit * 2
        self._max_pieces = max(_MIN_PIECES, limit // _BYTES_PER_PIECE)
        self._offset = 0  # into the first piece; 0 while anything is in _scanned
        self._pieces: deque[bytes] = deque()
        self._scanned: bytearray | None = None  # stands before the pieces; holds no _separator
        self._separator = b""
        self._size = 0
        self._timer = timer
        self._waiter: Any = None
        self.total_bytes = 0
        self.total_compressed_bytes: int | None = None

    # The feeding side

    def feed_data(self, data: bytes | bytearray | memoryview, size: int = 0) -> None:
        """Append a piece; empty ones are ignored.

        `size` is accepted for callers of old and has no effect. Raises RuntimeError after
        `feed_eof()`.
        """
        if self._eof:
            raise RuntimeError("feed_data() was called after feed_eof()")
        if type(data) is not bytes:
            data = bytes(data)
        length = len(data)
        if length == 0:
            return
        self._pieces.append(data)
        self._size += length
        self.total_bytes += length
        if self._waiter is not None:
            self._wake()
        self._pause_if_full()

    def feed_eof(self) -> None:
        """The body is whole. Calling it again does nothing."""
        if self._eof:
            return
        self._eof = True
        self._wake()
        callbacks = self._eof_callbacks
        self._eof_callbacks = None
        if callbacks is not None:
            for callback in callbacks:
                _run_callback(callback)

    def begin_http_chunk_receiving(self) -> None:
        """A chunk of the chunked coding begins; RuntimeError if pieces came before the first."""
        if self._boundaries is None:
            if self.total_bytes:
                raise RuntimeError(
                    "begin_http_chunk_receiving() was called when some data was already fed"
                )
            self._boundaries = deque()

    def end_http_chunk_receiving(self) -> None:
        """The chunk that began has ended; RuntimeError if none has begun."""
        boundaries = self._boundaries
        if boundaries is None:
            raise RuntimeError(
                "end_http_chunk_receiving() was called without begin_http_chunk_receiving()"
            )
        if self.total_bytes == 0 or (boundaries and boundaries[-1] == self.total_bytes):
            return
        boundaries.append(self.total_bytes)
        if self._waiter is not None:
            self._wake()
        self._pause_if_full()

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Every read from now on raises `exc`, with `exc_cause` as its cause; waiters are woken."""
        if exc_cause is not None:
            exc.__cause__ = exc_cause
        self._error = exc
        self._eof_callbacks = None
        self._wake()

    def hold(self) -> None:
        """Pause the source until somebody reads; nothing where somebody waits already."""
        if self._waiter is not None or self._eof_waiter is not None:
            return
        if not self._is_paused and self._flow is not None:
            self._is_paused = True
            self._flow.pause_reading()

    # The reading side

    def on_eof(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the body is whole: at once if it is. What it raises is logged."""
        if self._eof:
            _run_callback(callback)
        elif self._eof_callbacks is None:
            self._eof_callbacks = [callback]
        else:
            self._eof_callbacks.append(callback)

    def get_read_buffer_limits(self) -> tuple[int, int]:
        """The octets below which a paused source resumes, and above which it is paused."""
        return (self._low, self._high)

    def set_read_chunk_size(self, n: int) -> None:
        """Hold as much as a reader of `n` octets at a time needs; limits never go down."""
        if n > self._low:
            self._low = n
            self._high = n * 2
            self._max_pieces = max(_MIN_PIECES, n // _BYTES_PER_PIECE)

    def _take(self, n: int) -> bytes:
        """The next octets, `n` at most."""
        if n >= self._size:
            return self._take_all()
        if self._scanned is not None:
            self._unscan()
        first = self._pieces[0]
        end = self._offset + n
        if end < len(first):
            data = first[self._offset : end]
            self._offset = end
            self._after_taking(n)
            return data
        parts = []
        missing = n
        while missing > 0:
            first = self._pieces[0]
            available = len(first) - self._offset
            if available > missing:
                parts.append(first[self._offset : self._offset + missing])
                self._offset += missing
                break
            parts.append(first[self._offset :])
            self._pieces.popleft()
            self._offset = 0
            missing -= available
        self._after_taking(n)
        return b"".join(parts)

    def _take_all(self) -> bytes:
        """Everything at hand, b"" if nothing is."""
        if self._size == 0:
            return b""
        if self._scanned is not None:
            self._unscan()
        if self._offset:
            first = self._pieces.popleft()
            self._pieces.appendleft(first[self._offset :])
            self._offset = 0
        if len(self._pieces) == 1:
            data = self._pieces.popleft()
        else:
            data = b"".join(self._pieces)
            self._pieces.clear()
        self._after_taking(self._size)
        return data

    def _take_piece(self) -> bytes:
        """The rest of the first piece, as it was fed; b"" if nothing is at hand."""
        if self._size == 0:
            return b""
        if self._scanned is not None:
            self._unscan()
        first = self._pieces.popleft()
        if self._offset:
            first = first[self._offset :]
            self._offset = 0
        taken = len(first)
        self._after_taking(taken)
        return first

    def _take_until(self, separator: bytes, limit: int) -> bytes | None:
        """What stands up to the first `separator`, which is included; None if it isn't there yet.

        `limit` is in octets, separator included; -1 means the high-water mark. Raises LineTooLong
        above it, and drops the line as far as it came.
        """
        if limit < 0:
            limit = self._high
        width = len(separator)
        if self._scanned is not None and self._separator != separator:
            self._unscan()
        while self._pieces:
            first = self._pieces[0]
            if self._scanned is None:
                at = first.find(separator, self._offset)
                if at >= 0:
                    end = at + width
                    data = first[self._offset : end]
                    if end == len(first):
                        self._pieces.popleft()
                        self._offset = 0
                    else:
                        self._offset = end
                    return self._judge_line(data, limit)
                self._scanned = bytearray()
                self._separator = separator
            start = max(0, len(self._scanned) - width + 1)
            self._pieces.popleft()
            self._scanned += first[self._offset :] if self._offset else first
            self._offset = 0
            at = self._scanned.find(separator, start)
            if at >= 0:
                end = at + width
                data = bytes(self._scanned[:end])
                if end < len(self._scanned):
                    self._pieces.appendleft(bytes(self._scanned[end:]))
                self._scanned = None
                return self._judge_line(data, limit)
        if self._size > limit:
            self._scanned = None
            self._after_taking(self._size)
            raise LineTooLong(
                f"{limit} bytes came without the separator {separator!r}, expected it among them"
            )
        return None

    def _judge_line(self, data: bytes, limit: int) -> bytes:
        self._after_taking(len(data))
        if len(data) > limit:
            raise LineTooLong(
                f"a line of {len(data)} bytes came, expected at most {limit}: {data[:32]!r}..."
            )
        return data

    def _take_chunk(self) -> tuple[bytes, bool] | None:
        """What `readchunk()` returns, or None if it must wait."""
        if self._boundaries is not None and self._boundaries:
            consumed = self.total_bytes - self._size
            while self._boundaries:
                end = self._boundaries.popleft()
                if end == consumed:
                    return (b"", True)
                if end > consumed:
                    return (self._take(end - consumed), True)
        if self._size:
            return (self._take_piece(), False)
        if self._eof:
            return (b"", False)
        return None

    def _put_back(self, data: bytes) -> None:
        """Set `data` before what is held; wakes nobody."""
        if not data:
            return
        if self._scanned is not None:
            self._unscan()
        if self._offset:
            first = self._pieces.popleft()
            self._pieces.appendleft(first[self._offset :])
            self._offset = 0
        self._pieces.appendleft(data)
        self._size += len(data)
        self._pause_if_full()

    def _let_flow(self) -> bool:
        """A reader waits for more than is held: resume a paused source. True if it was paused."""
        if not self._is_paused:
            return False
        self._is_paused = False
        if self._flow is not None:
            self._flow.resume_reading()
        return True

    # Own affairs

    def _unscan(self) -> None:
        """Turn the searched octets into a piece again, for a reader that searches no more."""
        scanned = self._scanned
        self._scanned = None
        if scanned:
            self._pieces.appendleft(bytes(scanned))

    def _pause_if_full(self) -> None:
        if self._is_paused or self._flow is None:
            return
        if (
            self._size > self._high
            or len(self._pieces) > self._max_pieces
            or (self._boundaries is not None and len(self._boundaries) > self._max_pieces)
        ):
            self._is_paused = True
            self._flow.pause_reading()

    # The last step of every taking: resume_reading() may feed this queue before it returns.
    def _after_taking(self, taken: int) -> None:
        self._size -= taken
        if self._boundaries is not None:
            consumed = self.total_bytes - self._size
            while self._boundaries and self._boundaries[0] < consumed:
                self._boundaries.popleft()
        if (
            self._is_paused
            and self._size < self._low
            and len(self._pieces) <= self._max_pieces // 2
            and (self._boundaries is None or len(self._boundaries) <= self._max_pieces // 2)
        ):
            self._let_flow()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
        if self._eof or self._error is not None:
            waiter = self._eof_waiter
            if waiter is not None:
                self._eof_waiter = None
                if not waiter.done():
                    waiter.set_result(None)


def _run_callback(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        logging.getLogger("tercel.internal").exception("Exception in a callback of on_eof()")
