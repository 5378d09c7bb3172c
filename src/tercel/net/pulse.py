"""The heartbeats of an event loop: one timer for all sockets, however many there are.

In: a moment of the loop's clock, and a thing with `beat()`. Out: that call, when the moment has
come. What is cancelled is let go of at once. The same timer drops the windows of idle compressors.
"""

import asyncio
from heapq import heapify, heappop, heappush
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ("Pulse", "WindowWatch", "pulse_of")

#: Seconds without a message after which a compressor's window is dropped.
_IDLE = 5.0
#: Cancelled entries that may lie in the heap before it is swept.
_MAX_HUSKS = 64


class Pulse:
    """Calls `beat()` of many at their times. Entries are lists: moment, number, whom."""

    __slots__ = ("_count", "_heap", "_husks", "_timer", "_timer_due")

    def __init__(self) -> None:
        self._heap: list[list[Any]] = []
        self._count = 0
        self._husks = 0
        self._timer: Any = None
        self._timer_due = 0.0

    def call_at(self, due: float, whom: Any) -> list[Any]:
        """Call `whom.beat()` at `due`; the entry returned is for `cancel`."""
        self._count += 1
        entry = [due, self._count, whom]
        heappush(self._heap, entry)
        if self._timer is None or due < self._timer_due:
            self._arm(due)
        return entry

    def cancel(self, entry: list[Any]) -> None:
        """Forget an entry whose time has not come."""
        if entry[2] is None:
            return
        entry[2] = None
        self._husks += 1
        if self._husks > _MAX_HUSKS and self._husks * 2 > len(self._heap):
            self._heap = [each for each in self._heap if each[2] is not None]
            heapify(self._heap)
            self._husks = 0
        if len(self._heap) == self._husks and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._heap.clear()
            self._husks = 0

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = asyncio.get_running_loop().call_at(due, self._run)

    def _run(self) -> None:
        """Call all whose moment has come."""
        self._timer = None
        # Loops round: a call may come a little early.
        now = asyncio.get_running_loop().time() + 0.001
        last = self._count
        try:
            while self._heap and self._heap[0][0] <= now and self._heap[0][1] <= last:
                entry = heappop(self._heap)
                whom = entry[2]
                if whom is None:
                    self._husks -= 1
                else:
                    entry[2] = None
                    whom.beat()
        finally:
            if self._heap and (self._timer is None or self._heap[0][0] < self._timer_due):
                self._arm(self._heap[0][0])


_pulses: WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse] = WeakKeyDictionary()


def pulse_of(loop: asyncio.AbstractEventLoop) -> Pulse:
    """The pulse of a loop, made when first wanted."""
    pulse = _pulses.get(loop)
    if pulse is None:
        pulse = _pulses[loop] = Pulse()
    return pulse


class WindowWatch:
    """Drops the window of a `wire.ws.Deflater` that has not been used for a while."""

    __slots__ = ("_deflater", "_entry", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, deflater: Any) -> None:
        self._loop = loop
        self._deflater = deflater
        self._entry: Any = None

    @property
    def is_on(self) -> bool:
        """True while a window is watched."""
        return self._entry is not None

    def note(self) -> None:
        """A message has been sent: watch the window, if it left one."""
        if self._entry is None and self._deflater.was_used:
            self._begin()

    def _begin(self) -> None:
        self._entry = pulse_of(self._loop).call_at(self._loop.time() + _IDLE, self)

    def beat(self) -> None:
        """The time has passed: drop the window, or give it as long again."""
        self._entry = None
        if self._deflater.was_used:
            self._deflater.was_used = False
            self._begin()
        else:
            self._deflater.rest()

    def end(self) -> None:
        """The socket is gone."""
        if self._entry is not None:
            pulse_of(self._loop).cancel(self._entry)
            self._entry = None
        self._deflater.rest()
