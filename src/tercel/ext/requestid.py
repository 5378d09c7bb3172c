"""Request ids: one word that names a request in every log line, here and in other services.

In: an incoming `X-Request-ID`, if it looks like one, else a new random one. Out: the id in
`request["request_id"]`, in the answer's header, in `get_request_id()` for everything that the
handler calls, and in log records through `RequestIdFilter`.
"""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from tercel import web

__all__ = ("RequestIdFilter", "get_request_id", "request_id_middleware")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_current: ContextVar[str | None] = ContextVar("tercel_request_id", default=None)
#: What others may call a request: nothing that could break a log line or fill a disk.
_VALID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}", re.ASCII)
_KEY = "request_id"


def get_request_id() -> str | None:
    """The id of the request that the current task serves; None outside of a request."""
    return _current.get()


def request_id_middleware(
    *,
    header: str = "X-Request-ID",
    trust_incoming: bool = True,
    make: Callable[[], str] = lambda: secrets.token_hex(16),
) -> Any:
    """A middleware that gives each request an id; put it first, so that it covers the others.

    `header` is read and answered. An incoming value is kept if it is 1 to 128 characters of
    letters, digits and `._~+/=:@-`, and not at all with `trust_incoming=False`; otherwise `make`
    is called, which gives 32 hexadecimal digits by default. Errors carry the header too.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(header) if trust_incoming else None
        name = given if given is not None and _VALID.fullmatch(given) else make()
        request[_KEY] = name
        token = _current.set(name)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.setdefault(header, name)
            raise
        finally:
            _current.reset(token)
        if not response.prepared:
            response.headers.setdefault(header, name)
        return response

    return middleware


class RequestIdFilter(logging.Filter):
    """Gives each log record `request_id`, "-" outside of a request; add it to a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute; every record passes."""
        if not hasattr(record, _KEY):
            setattr(record, _KEY, _current.get() or "-")
        return True
