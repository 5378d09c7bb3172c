"""The last moments before a server's connections are closed: no request on its way is lost.

In: a server whose sites have stopped. Out: nothing, once everyone who had connected has said what
they came for, or the time is over. Connections are told to end with their next answer
(`Connection: close`, RFC 9112 section 9.6); what is under way is not waited for here.
"""

import asyncio
from collections.abc import Callable
from typing import Any

__all__ = ("drain",)

_PAUSE = 0.01
#: Turns of the event loop from a connection that was accepted to its protocol.
_TURNS = 4


async def drain(
    server: Any,
    *,
    first: float = 1.0,
    idle: float = 0.0,
    is_hurried: Callable[[], bool] = lambda: False,
) -> None:
    """Give new connections `first` seconds for their request, and idle ones `idle` for the next.

    Ends early when nobody is left to wait for, or once `is_hurried` says True.
    """
    loop = asyncio.get_running_loop()
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    begun = loop.time()
    while not is_hurried():
        passed = loop.time() - begun
        is_awaited = server.expected > 0 and passed < first
        for connection in server.connections:
            connection.leave_soon()
            if connection.exchange is None:
                limit = idle if connection.requests_count else max(first, idle)
                is_awaited = is_awaited or passed < limit
        if not is_awaited:
            return
        await asyncio.sleep(_PAUSE)
