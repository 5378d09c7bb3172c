"""Frames on their way to the transport: masked, compressed, and several in one write.

In: payloads, from whoever sends. Out: one `transport.write` for each frame, or one for all frames
that are sent while several messages of the peer are worked off, never later than that. Large
payloads are not copied behind their heads. Refuses what comes after a Close; never waits.
"""

import os
from typing import Any

from tercel.net.errors import ClientConnectionResetError
from tercel.net.protocol import WireProtocol, gathers
from tercel.net.pulse import WindowWatch
from tercel.net.sending import SENT, Draining, Failed
from tercel.wire.ws.connection import Connection
from tercel.wire.ws.frames import encode_frame_head

__all__ = ("Outgoing", "next_key")

_SENT = SENT
_Lost = ClientConnectionResetError
#: A payload over so many octets is not copied behind its head.
_JOIN_LIMIT = 4096
#: Octets of frames that wait for one write: above, the transport had better be asked.
_MAX_CORKED = 16384


#: Random octets that masking keys are cut from, and how many have been used.
_keys = b""
_used = 0


def next_key() -> bytes:
    """A masking key nobody can foresee (RFC 6455 section 10.3), from the system's random octets."""
    global _keys, _used
    pos = _used
    if pos >= len(_keys):
        _keys = os.urandom(4096)
        pos = 0
    _used = pos + 4
    return _keys[pos : pos + 4]


class Outgoing:
    """The way out of one WebSocket: over the transport of `protocol`, as `wire` agreed.

    `sent_close` is True once our Close is on its way, `is_lost` once the connection is gone.
    """

    __slots__ = (
        "_corked",
        "_corked_octets",
        "_is_client",
        "_is_corking",
        "_joins",
        "_owed_pong",
        "_window",
        "_wire",
        "is_lost",
        "protocol",
        "sent_close",
    )

    def __init__(self, protocol: WireProtocol, wire: Connection, is_client: bool) -> None:
        self.protocol = protocol
        self._wire = wire
        self._is_client = is_client
        # Until the transport is known to gather what it is given.
        self._joins = True
        deflater = wire.deflater
        self._window = None if deflater is None else WindowWatch(protocol.loop, deflater)
        self._is_corking = False
        self._corked: list[bytes] | None = None
        self._corked_octets = 0
        self._owed_pong: bytes | None = None
        self.sent_close = False
        self.is_lost = False

    def _know_transport(self, transport: Any) -> None:
        """A payload goes beside its head where that saves a copy."""
        self._joins = self._is_client or self._wire.deflater is not None or not gathers(transport)

    def _sends_more(self) -> bool:
        """True if more frames may follow before the transport is left alone."""
        return False

    def _write(self, opcode: int, payload: bytes, level: int) -> None:
        transport: Any = self.protocol.transport
        if transport is None or self.protocol.is_closed:
            return
        size = len(payload)
        if size > _JOIN_LIMIT and not self._joins:
            self._flush()
            transport.writelines((encode_frame_head(128 | opcode, size, False), payload))
            return
        key = next_key() if self._is_client else None
        deflater = self._wire.deflater
        is_watched = deflater is None or deflater.was_used
        frame = self._wire.encode(opcode, payload, key, level)
        if not is_watched and self._window is not None:
            self._window.note()
        self._put(frame, opcode < 8)

    def _put(self, frame: bytes, may_wait: bool) -> None:
        """Hand a frame to the transport, after those that wait; or let it wait too."""
        corked = self._corked
        if may_wait and self._is_corking and self._sends_more():
            if corked is None:
                self._corked = [frame]
            else:
                corked.append(frame)
            self._corked_octets += len(frame)
            if self._corked_octets > _MAX_CORKED:
                self._flush()
            return
        if corked is None:
            transport: Any = self.protocol.transport
            transport.write(frame)
            return
        corked.append(frame)
        self._flush()

    def _flush(self) -> None:
        """Write what waits."""
        corked = self._corked
        if corked is None:
            return
        self._corked = None
        self._corked_octets = 0
        transport: Any = self.protocol.transport
        if transport is not None and not self.protocol.is_closed:
            transport.write(corked[0] if len(corked) == 1 else b"".join(corked))

    def _answer_ping(self, data: bytes) -> None:
        """A pong for the ping; a peer that does not read gets one for the last of its pings."""
        if self.sent_close:
            return
        if self.protocol.must_drain:
            self._owed_pong = data
            return
        self._write(10, data, 0)

    def send(self, opcode: int, payload: bytes, level: int = -1) -> bool:
        """Write a frame; True if the transport asks for a pause.

        `level`: 0 to send it uncompressed, 1 to 9 for this message alone.
        ClientConnectionResetError once closing has begun, ValueError for a control frame over 125
        octets.
        """
        if opcode >= 8 and len(payload) > 125:
            raise ValueError(f"a control frame of {len(payload)} octets, expected 125 at most")
        self._check_open()
        if self._owed_pong is not None and not self.protocol.must_drain:
            self._pay_pong()
        self._write(opcode, payload, level)
        return self.protocol.must_drain

    def post(self, opcode: int, payload: bytes, compress: int | None) -> Any:
        """Write a frame; an awaitable for the peer's pace, or for the error of `send`.

        `compress`: zlib's level for this message, 0 for none, None for the usual one.
        """
        try:
            level = -1 if compress is None else _level_of(compress)
            return Draining(self.protocol) if self.send(opcode, payload, level) else _SENT
        except Exception as error:
            return Failed(error)

    def post_text(self, data: Any, compress: int | None) -> Any:
        """`post` a str as a text message; TypeError for anything else."""
        if not isinstance(data, str):
            return Failed(TypeError(f"data argument must be str ({type(data)!r})"))
        try:
            payload = data.encode()
        except UnicodeEncodeError as error:
            return Failed(error)
        return self.post(1, payload, compress)

    def post_bytes(self, data: Any, compress: int | None) -> Any:
        """`post` what is bytes-like as a binary message; TypeError for anything else."""
        if type(data) is bytes:
            return self.post(2, data, compress)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            return Failed(TypeError(f"data argument must be byte-ish ({type(data)!r})"))
        return self.post(2, bytes(data), compress)

    @property
    def window_bits(self) -> int:
        """The window bits of what is sent, 0 where it is not compressed."""
        deflater = self._wire.deflater
        return deflater.window_bits if deflater is not None and deflater.can_deflate else 0

    def send_encoded(self, frame: bytes) -> bool:
        """Write a frame that was encoded for many; True if the transport asks for a pause.

        It must come uncompressed, or from a window of its own. ClientConnectionResetError as in
        `send`.
        """
        self._check_open()
        deflater = self._wire.deflater
        if deflater is not None and frame[0] & 64:
            deflater.forget()
        self._put(frame, False)
        return self.protocol.must_drain

    def _check_open(self) -> None:
        if self.sent_close or self.is_lost or self.protocol.is_closed:
            raise _Lost("Cannot write to closing transport")

    def _pay_pong(self) -> None:
        owed = self._owed_pong
        self._owed_pong = None
        if owed is not None:
            self._write(10, owed, 0)


def _level_of(compress: int) -> int:
    """zlib's level for one message: 0 for none, 9 at most."""
    return min(int(compress), 9) if compress > 0 else 0
