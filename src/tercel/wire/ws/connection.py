"""One WebSocket connection as its reader sees it, for either role, without I/O (RFC 6455).

In: `feed_data`. Out: `next_event` gives messages and control frames as `WSMessage`, None for not
yet, and `next_kind` the same without an object between; `WebSocketError` is raised once, and
nothing comes after that or after a Close frame. What has come of an unfinished message is unmasked,
inflated, checked as UTF-8 and counted at once, so it never holds more than `max_size` octets.
"""

from codecs import utf_8_decode
from typing import Any

from tercel.wire.ws.codes import WebSocketError, WSCloseCode, WSMessage, WSMsgType, is_wire_code
from tercel.wire.ws.deflate import Deflater, Inflater
from tercel.wire.ws.frames import encode_frame
from tercel.wire.ws.mask import apply_mask, turn_key, unmask

__all__ = ("Connection",)

_Message = WSMessage
_new_message = tuple.__new__
_decode = utf_8_decode
#: The documented kinds by their opcodes.
_KINDS: list[Any] = [None] * 16
for _kind in WSMsgType:
    if _kind < 16:
        _KINDS[_kind] = _kind
_PROTOCOL_ERROR = int(WSCloseCode.PROTOCOL_ERROR)
_INVALID_TEXT = int(WSCloseCode.INVALID_TEXT)
_TOO_BIG = int(WSCloseCode.MESSAGE_TOO_BIG)


class Connection:
    """A connection of one role; `is_server` says that masked frames are expected.

    `max_size`: octets of a message, inflated, 0 for any number. `decode_text`: give TEXT as str,
    else as checked bytes. `inflater` and `deflater` are what the handshake agreed on, None without
    permessage-deflate. `is_done` is True once nothing more will be read. With `by_frame`, data
    comes frame by frame, not message by message.
    """

    __slots__ = (
        "_continues",
        "_data",
        "_decode_text",
        "_fin",
        "_given",
        "_in_frame",
        "_is_compressed",
        "_is_server",
        "_key",
        "_left",
        "_max_size",
        "_message",
        "_opcode",
        "_pos",
        "_undecoded",
        "by_frame",
        "deflater",
        "inflater",
        "is_done",
        "is_final",
        "payload",
        "reason",
    )

    def __init__(
        self,
        is_server: bool,
        max_size: int = 4194304,
        decode_text: bool = True,
        inflater: Inflater | None = None,
        deflater: Deflater | None = None,
    ) -> None:
        self._is_server = is_server
        self._max_size = max_size
        self._decode_text = decode_text
        self.inflater = inflater
        self.deflater = deflater
        self.is_done = False
        self.by_frame = False
        self.is_final = True
        self.payload: Any = None
        self.reason = ""
        self._data = b""
        self._pos = 0
        # The data frame whose payload is coming, and the message that it belongs to.
        self._in_frame = False
        self._fin = False
        self._left = 0
        self._key: bytes | None = None
        self._opcode = 0
        self._is_compressed = False
        self._message: bytearray | None = None
        # Frames of the message that were given away by themselves, and their octets.
        self._continues = False
        self._given = 0
        self._undecoded = b""

    def count_held(self) -> int:
        """Octets received and not yet looked at."""
        return len(self._data) - self._pos

    @property
    def message_size(self) -> int:
        """Octets held of a message that is not whole."""
        return 0 if self._message is None else len(self._message)

    def feed_data(self, data: bytes) -> None:
        """Accept octets from the peer."""
        if self._pos >= len(self._data):
            self._data = data
        else:
            self._data = self._data[self._pos :] + data
        self._pos = 0

    def next_event(self) -> WSMessage | None:
        """The next message or control frame, None until more octets come; WebSocketError."""
        kind = self.next_kind()
        return None if kind < 0 else self.take_message(kind)

    def next_kind(self) -> int:
        """The opcode of the next message or control frame, -1 until more octets come.

        `payload` is its data: str for a text, unless those are not decoded, a Close frame's code,
        bytes otherwise; `reason` is the Close frame's. With `by_frame`, `payload` is bytes, the
        opcode 0 stands for a continuation, and `is_final` tells the last frame of a message.
        WebSocketError as for `next_event`.
        """
        if self.is_done:
            return -1
        try:
            while True:
                if self._in_frame:
                    if not self._take_piece():
                        return -1
                    if self._fin:
                        return self._end_message()
                    if self.by_frame:
                        return self._end_fragment()
                    continue
                if self._pos + 2 > len(self._data):
                    if self._pos >= len(self._data):
                        self._data = b""
                        self._pos = 0
                    return -1
                kind = self._next_frame()
                if kind >= 0 or not self._in_frame:
                    return kind
        except WebSocketError:
            self._stop()
            raise

    def take_message(self, kind: int) -> WSMessage:
        """What `next_kind` has told, as a message."""
        payload = self.payload
        self.payload = None
        return _new_message(_Message, (_KINDS[kind], payload, self.reason if kind == 8 else ""))

    def _stop(self) -> None:
        self.is_done = True
        self._data = b""
        self._pos = 0
        self._message = None
        self._in_frame = False

    def _next_frame(self) -> int:
        """Read the head of a frame; its opcode, where it is whole and tells something.

        Otherwise -1, and either `_in_frame` is set, or the head has not come to its end.
        """
        data = self._data
        p = data
        pos = self._pos
        have = len(data) - pos
        first = p[pos]
        second = p[pos + 1]
        opcode = first & 15
        size = second & 127
        self._check_first(first, opcode)
        if (second >= 128) != self._is_server:
            raise WebSocketError(
                _PROTOCOL_ERROR,
                "an unmasked frame came from a client"
                if self._is_server
                else "a masked frame came from a server",
            )
        if opcode >= 8 and size > 125:
            raise WebSocketError(_PROTOCOL_ERROR, "a control frame has more than 125 octets")
        start = 2
        if size == 126:
            if have < 4:
                return -1
            start = 4
            size = p[pos + 2] << 8 | p[pos + 3]
        elif size == 127:
            if have < 10:
                return -1
            start = 10
            if p[pos + 2] >= 128:
                raise WebSocketError(_PROTOCOL_ERROR, "a frame's length has its top bit set")
            size = int.from_bytes(data[pos + 2 : pos + 10], "big")
        if self._max_size and opcode < 8:
            self._check_size(first, size)
        if second >= 128:
            start += 4
            if have < start:
                return -1
        if opcode >= 8:
            if have < start + size:
                return -1
            return self._take_control(opcode, pos + start, size)
        if have - start >= size and first & 128 and opcode:
            return self._take_whole(first, pos + start, pos + start + size)
        key = data[pos + start - 4 : pos + start] if second >= 128 else None
        self._begin_frame(first, opcode, size, key)
        self._pos = pos + start
        return -1

    def _check_first(self, first: int, opcode: int) -> None:
        """Refuse a first octet that can't stand here (RFC 6455 sections 5.2 and 5.4)."""
        if first & 112:
            if first & 48 or opcode == 0 or opcode >= 8 or self.inflater is None:
                raise WebSocketError(
                    _PROTOCOL_ERROR, "a frame has a reserved bit set that means nothing here"
                )
        if opcode >= 8:
            if opcode > 10:
                raise WebSocketError(_PROTOCOL_ERROR, f"a frame has the unknown opcode {opcode}")
            if not first & 128:
                raise WebSocketError(_PROTOCOL_ERROR, "a control frame is fragmented")
        elif opcode > 2:
            raise WebSocketError(_PROTOCOL_ERROR, f"a frame has the unknown opcode {opcode}")
        elif opcode == 0:
            if self._message is None:
                raise WebSocketError(_PROTOCOL_ERROR, "a continuation came without a message")
        elif self._message is not None:
            raise WebSocketError(_PROTOCOL_ERROR, "a message began before the last one had ended")

    def _check_size(self, first: int, size: int) -> None:
        """Refuse a frame that would make its message too big before it has come."""
        held = 0 if self._message is None else self._given + len(self._message)
        is_compressed = self._is_compressed if not first & 15 else first & 64 != 0
        if not is_compressed and held + size > self._max_size:
            raise WebSocketError(
                _TOO_BIG,
                f"a message has {held + size} octets or more, expected {self._max_size} at most",
            )

    def _begin_frame(self, first: int, opcode: int, size: int, key: bytes | None) -> None:
        if opcode:
            self._opcode = opcode
            self._is_compressed = first & 64 != 0
            self._message = bytearray()
            self._continues = False
            self._given = 0
            self._undecoded = b""
        self._fin = first & 128 != 0
        self._left = size
        self._key = key
        self._in_frame = True

    def _take_whole(self, first: int, start: int, end: int) -> int:
        """A message that came as one frame."""
        data = self._data
        payload = unmask(data, start, end) if self._is_server else data[start:end]
        self._pos = end
        if first & 64:
            payload = self._inflate(payload, True, 0)
        self.is_final = True
        if first & 15 == 1:
            self._set_text(payload)
            return 1
        self.payload = payload
        return 2

    def _take_piece(self) -> bool:
        """Take what has come of a frame's payload; True at its end."""
        data = self._data
        pos = self._pos
        count = len(data) - pos
        if count > self._left:
            count = self._left
        key = self._key
        if count:
            if key is None:
                piece = data[pos : pos + count]
            else:
                piece = apply_mask(data, pos, pos + count, key)
                self._key = turn_key(key, count)
            self._pos = pos + count
            self._left -= count
            self._add(piece, False)
        if self._left:
            return False
        self._in_frame = False
        return True

    def _add(self, piece: bytes, is_last: bool) -> None:
        """Append to the message what a piece of payload comes to."""
        message: Any = self._message
        if self._is_compressed:
            piece = self._inflate(piece, is_last, self._given + len(message))
        if piece:
            if self._opcode == 1:
                self._check_text(piece, False)
            message += piece
            self._message = message

    def _inflate(self, piece: bytes, is_last: bool, held: int) -> bytes:
        inflater: Any = self.inflater
        if not self._max_size:
            return inflater.inflate(piece, is_last, 0)  # type: ignore[no-any-return]
        room = self._max_size - held
        if room > 0:
            return inflater.inflate(piece, is_last, room)  # type: ignore[no-any-return]
        if inflater.inflate(piece, is_last, 1):
            raise WebSocketError(
                _TOO_BIG, f"a message inflates to more than {self._max_size} octets"
            )
        return b""

    def _check_text(self, piece: bytes, is_last: bool) -> None:
        """Check the next piece of a text; what a character lacks is waited for (RFC 6455 8.1)."""
        if not self._undecoded and piece.isascii():
            return
        piece = self._undecoded + piece
        try:
            _, count = _decode(piece, "strict", is_last)
        except UnicodeDecodeError:
            raise WebSocketError(_INVALID_TEXT, "a text message is not UTF-8") from None
        self._undecoded = piece[count:]

    def _end_message(self) -> int:
        if self._is_compressed:
            self._add(b"", True)
        payload = bytes(self._message or b"")
        self._message = None
        self.is_final = True
        if self._opcode == 1 and self._undecoded:
            raise WebSocketError(_INVALID_TEXT, "a text message ends within a character")
        if self._continues:
            self.payload = payload
            return 0
        if self._opcode == 1:
            self._set_text(payload)
            return 1
        self.payload = payload
        return 2

    def _end_fragment(self) -> int:
        """A frame that is not the last of its message, for who wants frames."""
        message: Any = self._message
        kind = 0 if self._continues else self._opcode
        self._given += len(message)
        self.payload = bytes(message)
        self.is_final = False
        self._message = bytearray()
        self._continues = True
        return kind

    def _set_text(self, payload: bytes) -> None:
        try:
            if self._decode_text and not self.by_frame:
                self.payload = payload.decode()
                return
            if not payload.isascii():
                payload.decode()
        except UnicodeDecodeError:
            raise WebSocketError(_INVALID_TEXT, "a text message is not UTF-8") from None
        self.payload = payload

    def _take_control(self, opcode: int, start: int, size: int) -> int:
        data = self._data
        end = start + size
        payload = unmask(data, start, end) if self._is_server else data[start:end]
        self._pos = end
        if opcode != 8:
            self.payload = payload
            return opcode
        code = 0
        reason = ""
        if size == 1:
            raise WebSocketError(_PROTOCOL_ERROR, "a Close frame has one octet, expected 0 or 2")
        if size:
            p = payload
            code = p[0] << 8 | p[1]
            if not is_wire_code(code):
                raise WebSocketError(_PROTOCOL_ERROR, f"a Close frame has the close code {code}")
            try:
                reason = payload[2:].decode()
            except UnicodeDecodeError:
                raise WebSocketError(_INVALID_TEXT, "a close reason is not UTF-8") from None
        self._stop()
        self.payload = code
        self.reason = reason
        return 8

    def encode(self, opcode: int, payload: bytes, key: bytes | None, level: int) -> bytes:
        """A frame; `level` is 0 to send it as it is, 1 to 9 for this message, -1 for the usual.

        Data frames are compressed where the handshake agreed on it.
        """
        first = 128 | opcode
        deflater: Any = self.deflater
        if deflater is not None and level and opcode < 8 and payload and deflater.can_deflate:
            first |= 64
            payload = deflater.deflate(payload, level)
        return encode_frame(first, payload, key)
