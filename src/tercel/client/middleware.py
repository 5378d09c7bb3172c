"""Client middlewares: functions around the sending of one request (client_advanced, "Middleware").

In: a handler and middlewares, outermost first. Out: one handler. Each is called once for every
sending, the session's own retries and redirects included.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from tercel.client.request import ClientRequest
from tercel.client.response import ClientResponse

__all__ = ("ClientHandlerType", "ClientMiddlewareType", "chain_middlewares")

ClientHandlerType = Callable[[ClientRequest], Awaitable[ClientResponse]]
ClientMiddlewareType = Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]


def chain_middlewares(
    handler: ClientHandlerType, middlewares: Sequence[ClientMiddlewareType]
) -> ClientHandlerType:
    """`handler` with the middlewares around it; the first one is called first."""
    for middleware in reversed(middlewares):
        handler = partial(_call, middleware, handler)
    return handler


def _call(
    middleware: ClientMiddlewareType, handler: ClientHandlerType, request: ClientRequest
) -> Awaitable[ClientResponse]:
    return middleware(request, handler)
