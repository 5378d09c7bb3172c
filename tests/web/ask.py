"""Requests for an application without a connection."""

import asyncio
from typing import Any

from multidict import CIMultiDict

from tercel.wire.h1.head import make_request_head
from tercel.wire.version import HttpVersion11


class _Protocol:
    transport = None
    loop: Any = None


def make_request(app: Any, method: str, path: str, headers: Any = None) -> Any:
    """A request as the server would make it; `path` is the target as sent."""
    fields = CIMultiDict(headers or {})
    fields.setdefault("Host", "example.com")
    head = make_request_head(method, path, HttpVersion11, fields)
    protocol = _Protocol()
    protocol.loop = asyncio.get_running_loop()
    return app._make_request(head, None, protocol, None, None)


async def ask(app: Any, method: str, path: str, headers: Any = None) -> Any:
    """What the application returns for a request."""
    return await app._handle(make_request(app, method, path, headers))
