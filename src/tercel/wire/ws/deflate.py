"""permessage-deflate: messages through zlib, one at a time (RFC 7692 section 7.2).

In: whole messages to deflate; pieces of messages to inflate, with a ceiling for what comes out.
Out: octets. A window is made when the first message needs it and dropped where context takeover
is off, or when its owner says so, so that an idle socket holds none. Windows of 2**8 octets can be
read, but zlib can't write them: such messages are sent as they are. zlib is what
`set_zlib_backend` was given.
"""

from typing import Any

from tercel.wire.libraries import find_zlib
from tercel.wire.ws.codes import WebSocketError, WSCloseCode

__all__ = ("Deflater", "Inflater")

_find_zlib = find_zlib

_TAIL = b"\x00\x00\xff\xff"
#: Final blocks in one piece: each starts zlib anew and moves what follows, so few are enough.
_MAX_FINAL_BLOCKS = 16
_MIN_WRITABLE_BITS = 9
# As zlib.h has them; a stand-in need not name them.
_DEFLATED = 8
_SYNC_FLUSH = 2
#: What is written looks back 2**12 octets at most, and zlib's tables are small: 32 KiB in place of
#: 256. For JSON of 0.1 to 10 KB that is 5 % more octets, and 20 to 50 % less time.
_MAX_WRITTEN_BITS = 12
_MEMORY = 5
#: For the same JSON, level 3 makes 4 to 10 % more octets than zlib's own 6, in 15 to 40 % less
#: time.
_LEVEL = 3


class Deflater:
    """Compresses messages; `window_bits` from 8 to 15, `takeover` allows to keep the window.

    It is kept from the second message on, until `rest`: sockets that hardly speak hold none.
    `was_used` becomes True with each message, for whoever watches that; `can_deflate` is False
    where every message has to be sent as it is.
    """

    __slots__ = (
        "_inner",
        "_is_busy",
        "_takeover",
        "can_deflate",
        "was_used",
        "window_bits",
    )

    def __init__(self, window_bits: int, takeover: bool) -> None:
        self._inner: Any = None
        self._is_busy = False
        self._takeover = takeover
        self.can_deflate = window_bits >= _MIN_WRITABLE_BITS
        self.was_used = False
        self.window_bits = window_bits

    @property
    def holds_window(self) -> bool:
        """True while a window is kept for the messages to come."""
        return self._inner is not None

    def forget(self) -> None:
        """Drop the window: the next message begins anew, which every peer can read."""
        self._inner = None

    def rest(self) -> None:
        """Drop the window, and keep none for the next message."""
        self._inner = None
        self._is_busy = False

    def _begin(self, level: int) -> Any:
        bits = min(self.window_bits, _MAX_WRITTEN_BITS)
        return _find_zlib().compressobj(level, _DEFLATED, -bits, _MEMORY)

    def deflate(self, data: bytes, level: int = -1) -> bytes:
        """The payload of a compressed message; `level` 1 to 9 for this one, -1 for the usual 3."""
        if level >= 0:
            # What this message leaves in the peer's window, ours doesn't know of.
            self._inner = None
            inner = self._begin(level)
        else:
            inner = self._inner
            if inner is None:
                inner = self._begin(_LEVEL)
            if self._takeover:
                if self._is_busy:
                    self._inner = inner
                self._is_busy = True
                self.was_used = True
        first: bytes = inner.compress(data)
        done: bytes = inner.flush(_SYNC_FLUSH)
        if first:
            done = first + done
        return done[:-4] if done.endswith(_TAIL) else done


class Inflater:
    """Decompresses messages; `window_bits` from 8 to 15, `takeover` as the peer compresses."""

    __slots__ = ("_inner", "_takeover", "_window_bits")

    def __init__(self, window_bits: int, takeover: bool) -> None:
        self._inner: Any = None
        self._takeover = takeover
        self._window_bits = window_bits

    @property
    def holds_window(self) -> bool:
        """True while a window is kept for the messages to come."""
        return self._inner is not None

    def inflate(self, data: bytes, is_last: bool, room: int) -> bytes:
        """What a piece of a message comes to; with `is_last`, the message ends with it.

        WebSocketError (1009) for more than `room` octets, 0 for any number; (1007) for what is no
        deflate.
        """
        zlib = _find_zlib()
        result: bytes | None = None
        parts: list[bytes] | None = None
        rest: bytes = data + _TAIL if is_last else data
        left = room
        finals = 0
        while rest:
            inner = self._inner
            if inner is None:
                inner = self._inner = zlib.decompressobj(-self._window_bits)
            try:
                done: bytes = inner.decompress(rest, left + 1 if room else 0)
            except zlib.error as error:
                raise WebSocketError(
                    WSCloseCode.INVALID_TEXT, f"a compressed message is no deflate: {error}"
                ) from None
            if room:
                if len(done) > left:
                    raise WebSocketError(
                        WSCloseCode.MESSAGE_TOO_BIG,
                        f"a message inflates to more than the {room} octets that are left for it",
                    )
                left -= len(done)
            if result is None:
                result = done
            elif parts is None:
                parts = [result, done]
            else:
                parts.append(done)
            rest = inner.unconsumed_tail
            if inner.eof:
                # A final block ends the stream, not the message (RFC 7692 section 7.2.3.4).
                rest = inner.unused_data
                self._inner = None
                finals += 1
                if finals > _MAX_FINAL_BLOCKS:
                    raise WebSocketError(
                        WSCloseCode.PROTOCOL_ERROR, "a compressed message ends over and over"
                    )
                if is_last and rest in (_TAIL, b"\x00" + _TAIL):
                    break
        if is_last and not self._takeover:
            self._inner = None
        if parts is not None:
            return b"".join(parts)
        return b"" if result is None else result
