"""A connection that must get on: deadlines for bodies that stand still and answers nobody reads.

In: how long a peer may send nothing of a body, and take nothing of what we send. Out: the calls
`on_body_stuck` and `on_send_stuck`. Whatever moves at all is in time: a peer that has stopped is
found out between once and twice the time after its last octet. Costs nothing where bodies come with
their heads and answers fit the socket: there is one lazy deadline, that of `protocol`.
"""

import asyncio
from typing import Any

from tercel.net.protocol import WireProtocol
from tercel.wire.h1.connection import Connection

__all__ = ("WatchedProtocol",)

_SLACK = 0.001  # seconds that a timer may come early


class WatchedProtocol(WireProtocol):
    """A `WireProtocol` with two more deadlines, in seconds; 0 switches one off.

    `body_time`: for the next octet of a body, unless we ourselves have paused the peer.
    `send_time`: for the transport to get rid of any octet while it asks writers to wait, or while
    it is to close and holds some.
    """

    __slots__ = (
        "_body_due",
        "_body_time",
        "_has_moved",
        "_send_due",
        "_send_mark",
        "_send_time",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wire: Connection,
        body_time: float | None,
        send_time: float | None,
    ) -> None:
        WireProtocol.__init__(self, loop, wire)
        self._body_time: float = body_time or 0.0
        self._send_time: float = send_time or 0.0
        self._body_due = 0.0  # 0: nobody has begun to watch; -1: given up
        self._send_due = 0.0
        self._send_mark = 0  # octets that the transport held when it was looked at last
        self._has_moved = False

    # What a subclass fills in.

    def on_body_stuck(self) -> bool:
        """Nothing of the body came in time; False if that is not the peer's fault."""
        return True

    def on_send_stuck(self) -> None:
        """The peer takes nothing of what was sent."""

    # What the event loop calls.

    def pause_writing(self) -> None:
        self.must_drain = True
        if self._send_time > 0:
            self._watch_sending()

    def resume_writing(self) -> None:
        self._send_due = 0.0
        WireProtocol.resume_writing(self)

    # What subclasses and readers call.

    def resume_reading(self) -> None:
        if self._pauses:
            # The peer could send nothing until now.
            self._has_moved = True
        WireProtocol.resume_reading(self)

    def close(self) -> None:
        WireProtocol.close(self)
        transport: Any = self.transport
        if transport is not None and self._send_time > 0 and transport.get_write_buffer_size():
            self._deadline = 0.0
            self._watch_sending()

    def note_body(self) -> None:
        """Octets of a body have come, and more are to come."""
        self._has_moved = True
        if self._body_due == 0.0 and self._body_time > 0:
            self._has_moved = False
            self._body_due = self.loop.time() + self._body_time
            self._arm(self._body_time)

    def forget_body(self) -> None:
        """Another message begins: nothing is known of its body, and no other deadline holds."""
        self._deadline = 0.0
        self._body_due = 0.0
        if self.must_drain and self._send_time > 0:
            self._watch_sending()

    def check_progress(self) -> None:
        """The deadline has passed while a message was under way: see who stands still."""
        now = self.loop.time() + _SLACK
        if self._send_due > 0:
            if not self.must_drain and not self.is_closed:
                self._send_due = 0.0
            elif now >= self._send_due:
                held = self.transport.get_write_buffer_size()
                if held >= self._send_mark:
                    self._send_due = 0.0
                    self.on_send_stuck()
                    return
                self._watch_sending()
        if self._body_due > 0 and not self.is_closed:
            if now >= self._body_due:
                self._body_due = now + self._body_time
                if self._has_moved or self._pauses:
                    self._has_moved = False
                elif self.on_body_stuck():
                    self._body_due = -1.0
                else:
                    self._has_moved = True
            if self._body_due > 0:
                self._arm(self._body_due - now)
        if self._send_due > 0:
            self._arm(self._send_due - now)

    def _watch_sending(self) -> None:
        self._send_due = self.loop.time() + self._send_time
        self._send_mark = self.transport.get_write_buffer_size()
        self._arm(self._send_time)

    def _arm(self, seconds: float) -> None:
        """Have the deadline pass in `seconds`, if it doesn't before."""
        if self._deadline == 0.0 or self.loop.time() + seconds < self._deadline:
            self.set_deadline(seconds)
