"""The client's connection as event loops want it that read into buffers.

In: a loop and a room. Out: a `ClientProtocol` that is an `asyncio.BufferedProtocol` as well, which
a compiled class can't be.
"""

from __future__ import annotations

import asyncio

from tercel.client.exchange import ClientProtocol

__all__ = ("BufferedClient",)


class BufferedClient(ClientProtocol, asyncio.BufferedProtocol):
    """A `ClientProtocol` into whose buffers transports read."""

    __slots__ = ()
