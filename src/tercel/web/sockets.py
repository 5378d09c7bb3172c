"""The open WebSockets of an application: said to all at once, closed all at once.

In: sockets that are prepared, and messages for all of them. Out: frames, each encoded once however
many members there are; a member that has fallen behind is left out or disconnected, never waited
for. Holds its members weakly: one whose handler has ended is gone by itself.
"""

import asyncio
from collections.abc import Collection, Iterator
from typing import Any, Literal
from weakref import WeakSet

from tercel.net.errors import ClientConnectionResetError
from tercel.web.websocket import WebSocketResponse
from tercel.wire.ws.codes import WSCloseCode, WSMsgType
from tercel.wire.ws.deflate import Deflater
from tercel.wire.ws.frames import FIN, RSV1, encode_frame

__all__ = ("WebSocketSet",)


class WebSocketSet(Collection[WebSocketResponse]):
    """Open sockets of the server; those that are closing don't count as members.

    With `app`, an `Application`, the sockets are closed with 1001 and `message` when it shuts
    down, as web_advanced ("Websocket shutdown") asks for.
    """

    def __init__(self, app: Any = None, *, message: str | bytes = b"Server shutdown") -> None:
        self._members: WeakSet[WebSocketResponse] = WeakSet()
        self._message = message
        if app is not None:
            app.on_shutdown.append(self._on_shutdown)

    def add(self, socket: WebSocketResponse) -> None:
        """Make a prepared socket a member; RuntimeError for one that is not prepared."""
        if not socket.prepared:
            raise RuntimeError("a socket becomes a member once it is prepared")
        self._members.add(socket)

    def discard(self, socket: WebSocketResponse) -> None:
        """Let go of a socket, if it is a member."""
        self._members.discard(socket)

    def __contains__(self, socket: object) -> bool:
        return socket in self._members and not getattr(socket, "closed", True)

    def __iter__(self) -> Iterator[WebSocketResponse]:
        return iter([socket for socket in self._members if not socket.closed])

    def __len__(self) -> int:
        return sum(not socket.closed for socket in self._members)

    def broadcast(
        self,
        data: str | bytes | bytearray | memoryview,
        *,
        skip: Collection[WebSocketResponse] = (),
        behind: Literal["drop", "disconnect"] = "drop",
    ) -> int:
        """Queue a message for all members but those in `skip`; returns how many will get it.

        A str goes as TEXT, anything else as BINARY. `behind` says what happens to a member whose
        `writer_limit` is used up: "drop" leaves it out this time, "disconnect" cuts its connection
        (it finds 1006). Members with permessage-deflate get it compressed by itself.
        """
        if behind not in ("drop", "disconnect"):
            raise ValueError(f"behind is {behind!r}, expected 'drop' or 'disconnect'")
        frames = _Frames(data)
        count = 0
        for socket in self:
            channel: Any = socket._channel
            if socket in skip:
                continue
            if channel.protocol.must_drain:
                if behind == "disconnect":
                    channel.give_up(ClientConnectionResetError("the peer has fallen behind"))
                continue
            try:
                channel.send_encoded(frames.of(channel.window_bits))
            except ClientConnectionResetError:
                continue
            count += 1
        return count

    async def close(
        self, *, code: int = WSCloseCode.GOING_AWAY, message: str | bytes = b""
    ) -> None:
        """Close all members at the same time; returns when each has answered or its time is up."""
        sockets = list(self)
        if sockets:
            await asyncio.gather(*(socket.close(code=code, message=message) for socket in sockets))

    async def _on_shutdown(self, app: Any) -> None:
        await self.close(message=self._message)


class _Frames:
    """One message in the forms that members need, each made once."""

    def __init__(self, data: str | bytes | bytearray | memoryview) -> None:
        is_text = isinstance(data, str)
        self._payload = data.encode() if isinstance(data, str) else bytes(data)
        self._first = FIN | (WSMsgType.TEXT if is_text else WSMsgType.BINARY)
        self._made: dict[int, bytes] = {}

    def of(self, window_bits: int) -> bytes:
        """The frame for a peer with these window bits, 0 for one without compression."""
        frame = self._made.get(window_bits)
        if frame is None:
            if window_bits and self._payload:
                payload = Deflater(window_bits, False).deflate(self._payload)
                frame = encode_frame(self._first | RSV1, payload, None)
            else:
                frame = encode_frame(self._first, self._payload, None)
            self._made[window_bits] = frame
        return frame
