"""The constructor of `web.Response`, compiled.

In: the arguments of a `Response`. Out: attributes on it; its class is interpreted because it may
stand beside `Exception`. Whatever is not plain goes to a method of the response.
"""

from typing import Any

__all__ = ("UTF8_TYPES", "Outgoing")

UTF8_TYPES = {
    None: "text/plain; charset=utf-8",
    "text/plain": "text/plain; charset=utf-8",
    "text/html": "text/html; charset=utf-8",
    "application/json": "application/json; charset=utf-8",
}
_types = UTF8_TYPES


class Outgoing:
    """The constructor of `Response`. Has no storage of its own: that would exclude `Exception`."""

    __slots__ = ()

    def __init__(
        self,
        *,
        body: Any = None,
        status: int = 200,
        reason: str | None = None,
        text: str | None = None,
        headers: Any = None,
        content_type: str | None = None,
        charset: str | None = None,
        zlib_executor_size: int | None = None,
        zlib_executor: Any = None,
    ) -> None:
        made: Any = self
        if (
            type(text) is str
            and headers is None
            and body is None
            and reason is None
            and charset is None
            and status == 200
            and zlib_executor_size is None
            and zlib_executor is None
        ):
            kind = _types.get(content_type)
            if kind is not None:
                made._type = kind
                made._body = _encode(text)
                return
        made._set_up(
            body,
            status,
            reason,
            text,
            headers,
            content_type,
            charset,
            zlib_executor_size,
            zlib_executor,
        )


def _encode(text: str) -> bytes:
    return text.encode()
