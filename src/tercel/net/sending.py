"""What sending a message returns: the frame is on its way, awaiting waits for the peer's pace.

In: a protocol whose transport may be full, or the error that sending met. Out: awaitables that are
as good as coroutines wherever one is wanted, and of which nobody complains that they were never
awaited. Most of the time it is `SENT`, one object for all.
"""

from collections.abc import Coroutine
from typing import Any

from tercel.net.errors import ClientConnectionResetError
from tercel.net.protocol import WireProtocol

__all__ = ("SENT", "Draining", "Failed", "Sending")

_Lost = ClientConnectionResetError


class Sending:
    """A frame that was sent: there is nothing to wait for."""

    __slots__ = ()

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        raise StopIteration

    def send(self, value: Any) -> Any:
        """One step, as a coroutine takes it."""
        raise StopIteration

    def throw(self, *error: Any) -> Any:
        """The error comes back: nothing here handles it."""
        raise error[1] if len(error) > 1 and error[1] is not None else error[0]

    def close(self) -> None:
        """Nothing is left to do."""


Coroutine.register(Sending)
SENT = Sending()


class Failed(Sending):
    """A frame that could not be sent: the error is raised to whoever awaits it."""

    __slots__ = ("_error",)

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        raise self._error


class Draining(Sending):
    """A frame that was sent to a slow peer: awaiting waits until the transport takes more.

    ClientConnectionResetError if it never will.
    """

    __slots__ = ("_protocol", "_waiter")

    def __init__(self, protocol: WireProtocol) -> None:
        self._protocol = protocol
        self._waiter: Any = None

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        waiter = self._waiter
        try:
            if waiter is not None:
                self._waiter = None
                waiter.result()
                raise StopIteration
            waiter = self._protocol.drain()
        except ConnectionError as error:
            raise _Lost("Cannot write to closing transport") from error
        if not self._protocol.must_drain:
            raise StopIteration
        # What `await` on a future does, said by hand.
        waiter._asyncio_future_blocking = True
        self._waiter = waiter
        return waiter

    def throw(self, *error: Any) -> Any:
        self._waiter = None
        raised = error[1] if len(error) > 1 and error[1] is not None else error[0]
        if isinstance(raised, ConnectionError) and not isinstance(raised, _Lost):
            raise _Lost("Cannot write to closing transport") from raised
        raise raised
