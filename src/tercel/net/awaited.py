"""Who waits for the messages of a WebSocket: one reader, or a `Delivery`, and how it goes on.

In: messages that are queued, by a subclass. Out: a reader's task one step further before the event
loop turns, where that can be. Never takes a message for a reader who is gone: it stays in the
queue until somebody has it for certain.
"""

from typing import Any, Self

from tercel.net.outgoing import Outgoing
from tercel.net.protocol import WireProtocol
from tercel.net.tasks import current_task
from tercel.net.waking import claim, step
from tercel.wire.ws.codes import WSMessage, WSMsgType
from tercel.wire.ws.connection import Connection

__all__ = ("Awaited", "Delivery", "Messages")

_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY
_current_task = current_task


class Delivery:
    """Who hears of messages at once, in place of a reader. Nothing here may raise an Exception."""

    __slots__ = ()

    def tell(self, kind: int, payload: Any, is_final: bool) -> None:
        """A message or control frame has come: its opcode and data."""

    def tell_close(self, code: int, reason: str) -> None:
        """The peer has said goodbye."""

    def tell_writable(self) -> None:
        """The transport takes more, having asked for a pause."""

    def tell_lost(self, error: BaseException | None) -> None:
        """The connection is gone."""


class Awaited(Outgoing):
    """A WebSocket's queue and its reader; `is_closed` is True once closing has begun."""

    __slots__ = (
        "_delivery",
        "_first",
        "_known",
        "_note_end",
        "_queue",
        "_queued_octets",
        "_waiter",
        "is_closed",
        "loop",
    )

    def __init__(self, protocol: WireProtocol, wire: Connection, is_client: bool) -> None:
        Outgoing.__init__(self, protocol, wire, is_client)
        self.loop = protocol.loop
        # The first by itself, as most of the time there is no other.
        self._first: Any = None
        self._queue: list[WSMessage] | None = None
        self._queued_octets = 0
        self._delivery: Delivery | None = None
        self._waiter: Any = None
        # Of the reader who waits by `next_message`; and the task that was stepped for it last.
        self._note_end: Any = None
        self._known: Any = None
        self.is_closed = False

    def take(self) -> WSMessage | None:
        """The next message, None if there is none yet. RuntimeError while another waits for it."""
        if self._is_taken():
            raise RuntimeError("Concurrent call to receive() is not allowed")
        return self._shift()  # type: ignore[no-any-return]

    def _sends_more(self) -> bool:
        return self._first is not None or self._wire.count_held() != 0

    def _push(self, message: WSMessage) -> None:
        if self._first is None:
            self._first = message
        elif self._queue is None:
            self._queue = [message]
        else:
            self._queue.append(message)

    def _shift(self) -> Any:
        message = self._first
        self._first = self._queue.pop(0) if self._queue else None
        return message

    @property
    def is_read(self) -> bool:
        """True while somebody waits for a message, or listens."""
        return self._is_taken()

    def wait(self) -> Any:
        """A future that is done when `take` has something to say; `stop_waiting` must follow."""
        self._waiter = self.loop.create_future()
        return self._waiter

    def stop_waiting(self) -> None:
        """The reader waits no longer."""
        self._waiter = None

    def _wake(self) -> None:
        """The reader has its turn when the event loop comes to it."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._note_end is None:
            waiter.set_result(None)
        else:
            self._settle()

    def _go_on(self) -> None:
        """Let the reader have what has come, before anything else happens."""
        if self._first is None and not self.is_closed:
            return
        if _current_task(self.loop) is not None:
            self.loop.call_soon(self._go_on_later)
            return
        waiter = self._waiter
        known = claim(waiter, self._known)
        if known is None:
            self._wake()
            return
        if self._note_end is None:
            waiter.set_result(None)
        else:
            self._known = known
            self._settle()
        step(self.loop, known, waiter)

    def _go_on_later(self) -> None:
        if self._waiter is not None:
            self._go_on()

    def next_message(self, note_end: Any) -> Any:
        """A future of the next message, for one reader that awaits it at once.

        `note_end` is called with what is no data, and may raise, which is the future's outcome
        then. RuntimeError as for `take`.
        """
        message = self.take()
        waiter = self._waiter = self.loop.create_future()
        self._note_end = note_end
        if message is not None:
            self._settle_with(message)
        return waiter

    def _settle(self) -> None:
        """Give the future of `next_message` what has come."""
        waiter = self._waiter
        self._waiter = None
        message = self.take()
        self._waiter = waiter
        self._settle_with(message)

    def _settle_with(self, message: Any) -> None:
        waiter = self._waiter
        note_end = self._note_end
        self._waiter = None
        self._note_end = None
        kind = message[0]
        if kind is not _TEXT and kind is not _BINARY:
            # The task is let go of, as it may end.
            self._known = None
            try:
                note_end(message)
            except Exception as error:
                waiter.set_exception(error)
                return
        waiter.set_result(message)

    def _is_taken(self) -> bool:
        """True while somebody waits for a message, or listens."""
        if self._delivery is not None:
            return True
        waiter = self._waiter
        if waiter is None:
            return False
        if self._note_end is None or not waiter.done():
            return True
        # Its reader was cancelled.
        self._waiter = None
        self._note_end = None
        return False


class Messages:
    """What `async for` over a socket runs through: `next_message` with no coroutine between."""

    __slots__ = ("_awaited", "_note_end")

    def __init__(self, awaited: Awaited, note_end: Any) -> None:
        self._awaited = awaited
        self._note_end = note_end

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Any:
        return self._awaited.next_message(self._note_end)
