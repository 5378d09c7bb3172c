"""The listener that a program gives to a WebSocket: methods that are called, none of them awaited.

In: nothing; each method does nothing until a subclass says otherwise. Out: the names and arguments
of the calls. `net.listening` makes the calls and has the transport.
"""

from tercel.net.listening import WebSocketTransport

__all__ = ("WebSocketListener",)


class WebSocketListener:
    """What is told of a WebSocket by direct calls: `socket.listen(listener)`.

    No method may wait; what takes long belongs into a task. One listener may serve many sockets:
    each call says which one it is about. An exception is logged under `tercel.websocket`, closes
    the socket with 1011, and silences it but for `on_lost`.
    """

    __slots__ = ("__weakref__",)

    def on_open(self, transport: WebSocketTransport) -> None:
        """The socket is open; called once, before anything else."""

    def on_text(self, transport: WebSocketTransport, data: str) -> None:
        """A TEXT message has come: whole, inflated, checked. Bytes with `decode_text=False`."""

    def on_binary(self, transport: WebSocketTransport, data: bytes) -> None:
        """A BINARY message has come, whole and inflated."""

    def on_frame(
        self, transport: WebSocketTransport, opcode: int, data: bytes, is_final: bool
    ) -> None:
        """With `listen(..., frames=True)`: a data frame, in place of `on_text` and `on_binary`.

        `opcode`: 1 or 2 for the first frame of a message, 0 for those that continue it, of which
        the last has `is_final`. `data` is inflated; text is checked, and may end within a
        character.
        """

    def on_ping(self, transport: WebSocketTransport, data: bytes) -> None:
        """A PING has come, which the socket does not answer: with `autoping=False` only."""

    def on_pong(self, transport: WebSocketTransport, data: bytes) -> None:
        """A PONG has come: with `autoping=False` only."""

    def on_writable(self, transport: WebSocketTransport) -> None:
        """The peer has caught up with what was sent, after a call that returned False."""

    def on_close(self, transport: WebSocketTransport, code: int, reason: str) -> None:
        """The peer has said goodbye; `code` is 0 where it gave none.

        It is answered when this returns, unless the socket has `autoclose=False`.
        """

    def on_lost(self, transport: WebSocketTransport, error: BaseException | None) -> None:
        """The connection is gone; called once, after everything else.

        `error` is what ended it, None after a closing handshake.
        """
