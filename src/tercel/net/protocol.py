"""An asyncio protocol that drives a wire connection: the part that server and client share.

In: what the event loop calls (`data_received` and its kin). Out: calls of the `on_*` methods,
which a subclass fills in, one for each fact of the wire. Owns the transport, back-pressure in both
directions and one lazily re-armed deadline. Never knows which side of HTTP it is on.
"""

import asyncio
from typing import Any

from tercel.wire.errors import WireError
from tercel.wire.h1.connection import Connection, EndOfMessage
from tercel.wire.h1.head import Head

__all__ = ("Ready", "WireProtocol", "gathers")

#: True once the allocator keeps the blocks that transports read into.
_keeps_blocks = False
#: Octets: more than what an event loop allocates each time that it reads.
_BLOCK = 2 * 1024 * 1024


def _keep_blocks(transport: Any) -> None:
    """Have the C library keep freed blocks of 256 KiB instead of giving them back each time.

    asyncio's plain transports and uvloop's TLS allocate one for whatever they read, and cut it down
    to what came; uvloop's plain ones allocate what came. Memory that goes back to the system and
    returns costs two system calls and page faults each time. glibc learns from a large block that
    is freed whole that such blocks come and go (mallopt(3), "dynamic mmap threshold"); other C
    libraries are not impressed. asyncio's TLS keeps a zeroed block for each connection, which costs
    no memory only while it comes from the system: that is left as it is.
    """
    global _keeps_blocks
    if type(transport).__module__ != "asyncio.sslproto":
        _keeps_blocks = True
        bytes(_BLOCK)


class Ready:
    """An awaitable that is done: what `drain` gives while there is nothing to wait for."""

    __slots__ = ()

    def __await__(self) -> Any:
        return iter(())


_READY = Ready()
#: Octets in small pieces that may wait for the turn of the event loop.
_LATE_LIMIT = 16 * 1024
#: Octets in pieces of any size that may: the kernel takes so many for the price of far fewer.
_GATHER_LIMIT = 256 * 1024
#: Octets of a piece, on average, from which on naming each to the kernel costs less than a copy.
_UNCOPIED = 8 * 1024


def gathers(transport: Any) -> bool:
    """True if `transport.writelines` hands its pieces to the kernel in one call, uncopied.

    uvloop's do, in the clear: in TLS each piece would be a record. asyncio's join them, or forget
    to ask for a pause (Python 3.12 and 3.13.0).
    """
    return (
        type(transport).__module__.startswith("uvloop")
        and transport.get_extra_info("sslcontext") is None
    )


class WireProtocol:
    """Reads one connection through a `wire.h1.Connection` and keeps its transport.

    `transport` is None before `connection_made` and after `connection_lost`; `is_closed` is True
    from the moment that nothing more can be written; `must_drain` while the transport asks writers
    to wait.
    """

    __slots__ = (
        "_deadline",
        "_drain_waiters",
        "_is_turn_awaited",
        "_late",
        "_late_size",
        "_pauses",
        "_timer",
        "_timer_due",
        "_wire",
        "is_closed",
        "loop",
        "must_drain",
        "transport",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, wire: Connection) -> None:
        self.loop = loop
        self._wire = wire
        self.transport: Any = None
        self.is_closed = False
        self.must_drain = False
        self._drain_waiters: list[asyncio.Future[None]] | None = None
        self._pauses = False
        # Small pieces written in this turn of the event loop, which leave together.
        self._late: list[bytes] | None = None
        self._late_size = 0
        self._is_turn_awaited = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0

    @property
    def held(self) -> int:
        """Octets received and not yet handed on."""
        return self._wire.held

    # What a subclass fills in.

    def on_head(self, head: Head) -> None:
        """A head has come."""

    def on_piece(self, piece: bytes) -> None:
        """A piece of the current message's body has come."""

    def on_end(self, end: EndOfMessage) -> None:
        """The current message's body has ended."""

    def on_error(self, error: WireError) -> None:
        """The peer's octets can't be read on."""

    def on_eof(self) -> bool:
        """The peer has closed its side; True keeps ours open."""
        return False

    def on_lost(self, error: BaseException | None) -> None:
        """The connection is gone."""

    def on_deadline(self) -> None:
        """The time set by `set_deadline` has passed."""

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if not _keeps_blocks:
            _keep_blocks(transport)

    def data_received(self, data: bytes) -> None:
        self._wire.feed_data(data)
        self.pump()

    def eof_received(self) -> bool:
        self._wire.feed_eof()
        self.pump()
        return self.on_eof()

    def connection_lost(self, error: BaseException | None) -> None:
        self.is_closed = True
        self.transport = None
        self._late = None
        self.stop_timer()
        self._wake_drainers(
            error if error is not None else ConnectionResetError("the peer is gone")
        )
        self.on_lost(error)

    def pause_writing(self) -> None:
        self.must_drain = True

    def resume_writing(self) -> None:
        self.must_drain = False
        self._wake_drainers(None)

    # What subclasses and exchanges call.

    def pump(self) -> None:
        """Hand on every fact that the octets at hand allow."""
        try:
            while not self.is_closed:
                event: Any = self._wire.next_event()
                if event is None:
                    return
                if type(event) is bytes:
                    self.on_piece(event)
                elif type(event) is EndOfMessage:
                    self.on_end(event)
                else:
                    self.on_head(event)
        except WireError as error:
            self.on_error(error)

    def pause_reading(self) -> None:
        """Ask the transport for no more octets: the reader is behind."""
        if not self._pauses and self.transport is not None:
            self._pauses = True
            try:
                self.transport.pause_reading()
            except (AttributeError, NotImplementedError, RuntimeError):
                self._pauses = False

    def resume_reading(self) -> None:
        """Take octets again."""
        if self._pauses:
            self._pauses = False
            if self.transport is not None:
                try:
                    self.transport.resume_reading()
                except (AttributeError, NotImplementedError, RuntimeError):
                    self._pauses = False

    def write_late(self, octets: bytes) -> None:
        """Write, together with what else is written late before the event loop turns.

        A system call costs more than all else that a small piece costs. Whoever writes to the
        transport by another way calls `let_go` or `take_late` first.
        """
        late = self._late
        if late is None:
            self._late = [octets]
            self._late_size = len(octets)
            if not self._is_turn_awaited:
                self._is_turn_awaited = True
                self.loop.call_soon(self._on_turn)
            return
        late.append(octets)
        self._late_size += len(octets)
        if self._late_size > _LATE_LIMIT:
            self.let_go()

    def write_gathered(self, parts: tuple[Any, ...], may_wait: bool) -> None:
        """`write_late` for pieces of any size, bytes or views of bytes; large ones are not copied.

        They leave at once, behind what waits, unless they `may_wait`; and where they are many
        octets, or many wait: fewer than 384 KiB ever do.
        """
        size = 0
        for part in parts:
            size += len(part)
        late = self._late
        if late is None:
            late = []
            self._late = late
            self._late_size = 0
        late.extend(parts)
        self._late_size += size
        if not may_wait or size >= _GATHER_LIMIT // 2 or self._late_size >= _GATHER_LIMIT:
            self.let_go()
        elif not self._is_turn_awaited:
            self._is_turn_awaited = True
            self.loop.call_soon(self._on_turn)

    def let_go(self) -> None:
        """Write what waits for the turn of the event loop now."""
        late = self._late
        if late is None:
            return
        self._late = None
        transport = self.transport
        if transport is None or self.is_closed:
            return
        if len(late) == 1:
            transport.write(late[0])
        elif self._late_size >= len(late) * _UNCOPIED and gathers(transport):
            transport.writelines(late)
        elif self._late_size <= 2 * _GATHER_LIMIT:
            transport.write(b"".join(late))
        else:
            for part in late:
                transport.write(part)

    def count_unsent(self) -> int:
        """Octets that were written and that the kernel has not got yet."""
        waiting: int = 0 if self._late is None else self._late_size
        if self.transport is not None:
            waiting += self.transport.get_write_buffer_size()
        return waiting

    def take_late(self, last: bytes) -> bytes:
        """What waits for the turn of the event loop, and `last` after it; the caller writes it."""
        late = self._late
        if late is None:
            return last
        self._late = None
        if not last and len(late) == 1:
            return late[0]
        late.append(last)
        return b"".join(late)

    def _on_turn(self) -> None:
        self._is_turn_awaited = False
        self.let_go()

    def drain(self) -> Any:
        """An awaitable that is done once the transport takes more; ConnectionResetError if it
        never will.
        """
        if self.is_closed:
            raise ConnectionResetError("Cannot write to closing transport")
        self.let_go()
        if not self.must_drain:
            return _READY
        waiter = self.loop.create_future()
        if self._drain_waiters is None:
            self._drain_waiters = []
        self._drain_waiters.append(waiter)
        return waiter

    def _wake_drainers(self, error: BaseException | None) -> None:
        waiters = self._drain_waiters
        if waiters is None:
            return
        self._drain_waiters = None
        for waiter in waiters:
            if not waiter.done():
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)

    def set_deadline(self, seconds: float) -> None:
        """Call `on_deadline` when `seconds` have passed, unless the deadline is moved or cleared
        first.
        """
        due = self.loop.time() + seconds
        self._deadline = due
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = self.loop.call_at(due, self._on_timer)

    def clear_deadline(self) -> None:
        """Forget the deadline; its timer runs out in silence."""
        self._deadline = 0.0

    def stop_timer(self) -> None:
        """Forget the deadline and its timer too: nothing more is timed here."""
        self._deadline = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if self._deadline == 0.0:
            return
        if self.loop.time() + 0.001 < self._deadline:
            self._timer_due = self._deadline
            self._timer = self.loop.call_at(self._deadline, self._on_timer)
            return
        self._deadline = 0.0
        self.on_deadline()

    def close(self) -> None:
        """Close the transport once what was written is sent."""
        self.let_go()
        self.is_closed = True
        # A TLS transport of asyncio that is closed twice can't be aborted any more.
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()

    def abort(self) -> None:
        """Close the transport at once; what the socket does not take now is lost."""
        self.let_go()
        self.is_closed = True
        if self.transport is not None:
            self.transport.abort()
