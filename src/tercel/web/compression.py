"""A middleware that compresses answers worth it (faq, "enable gzip compression globally").

In: what a handler returns or prepares. Out: the same, with compression enabled where its type, its
size, its head and the client's Accept-Encoding allow it, and Vary wherever they might. The work is
done by the answer itself: see `StreamResponse.enable_compression`.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tercel.hdrs import CACHE_CONTROL
from tercel.web.codings import (
    PREFERRED,
    choose_answer_coding,
    is_coded_or_partial,
    vary_by_coding,
)
from tercel.web.errors import HTTPException
from tercel.web.file import FileResponse
from tercel.web.middlewares import middleware
from tercel.web.response import Response
from tercel.web.stream import StreamResponse, allows_no_body
from tercel.wire.encoders import encodable_codings

__all__ = ("compression_middleware", "is_compressible")

_TYPES = frozenset(
    {
        "application/ecmascript",
        "application/graphql",
        "application/javascript",
        "application/json",
        "application/rtf",
        "application/sql",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/x-javascript",
        "application/x-ndjson",
        "application/x-sh",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/yaml",
        "font/otf",
        "font/ttf",
        "image/bmp",
        "image/vnd.microsoft.icon",
        "image/x-icon",
    }
)
_SUFFIXES = ("+json", "+xml", "+yaml")


def is_compressible(content_type: str) -> bool:
    """True for types whose octets are text or as good as text, False for all others.

    Pictures, films, sounds, fonts and archives are compressed already; `content_type` is a media
    type in lower case without parameters.
    """
    return (
        content_type.startswith("text/")
        or content_type in _TYPES
        or content_type.endswith(_SUFFIXES)
    )


def compression_middleware(
    *,
    codings: tuple[str, ...] = PREFERRED,
    minimum_size: int = 1024,
    compressible: Callable[[str], bool] = is_compressible,
) -> Callable[[Any, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]:
    """A middleware that compresses answers.

    `codings`: of those that the client likes equally the first one is used; one whose library is
    not installed is left out. `minimum_size`: octets below which an answer of known length is left
    as it is (1024). `compressible` decides by the media type, in lower case and without parameters.

    Left alone are answers without a body, 206, those with a Content-Encoding or Content-Range of
    their own, with `Cache-Control: no-transform`, and those whose compression the handler has
    decided. What a stream writes is not held back: each `write()` can be read by the client at
    once. ValueError for an unknown coding.
    """
    unknown = [name for name in codings if name not in PREFERRED]
    if unknown or not codings:
        raise ValueError(f"the codings are {codings!r}, expected some of {', '.join(PREFERRED)}")
    usable = encodable_codings()
    compressor = _Compressor(
        tuple(name for name in codings if name in usable), minimum_size, compressible
    )

    @middleware
    async def compress(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        # Asked by streams, which are prepared before they come back.
        request._compressor = compressor
        try:
            response = await handler(request)
        except HTTPException as error:
            compressor.compress_whole(request, error)
            raise
        if isinstance(response, Response):
            compressor.compress_whole(request, response)
        elif isinstance(response, FileResponse):
            compressor.take_long_way(response)
        return response

    return compress


class _Compressor:
    """What one middleware was told."""

    def __init__(
        self, codings: tuple[str, ...], minimum_size: int, compressible: Callable[[str], bool]
    ) -> None:
        self.codings = codings
        self.minimum_size = minimum_size
        self.compressible = compressible

    def compress_whole(self, request: Any, response: Response) -> None:
        """Enable the compression of an answer that is not prepared yet, if it is worth it."""
        if response.prepared or response.compression:
            return
        length = response.content_length
        if length is not None and length < self.minimum_size or not self._is_worth(response):
            return
        vary_by_coding(response.headers)
        if choose_answer_coding(request.headers, self.codings) is not None:
            self._enable(response)

    def take_long_way(self, response: FileResponse) -> None:
        """Have a file prepared, and so asked about, though its contents may be at hand."""
        stored = response._stored
        kind = "" if stored is None else stored.facts.content_type.partition(";")[0].lower()
        if not kind or self.compressible(kind):
            response._long_way = True

    def compress_stream(self, response: StreamResponse) -> None:
        """The same for an answer that is being prepared."""
        length = response.content_length
        if length is not None and length < self.minimum_size or not self._is_worth(response):
            return
        response._flushes = not isinstance(response, Response)
        self._enable(response)

    def _enable(self, response: StreamResponse) -> None:
        response._coding_offer = self.codings
        response.enable_compression()

    def _is_worth(self, response: StreamResponse) -> bool:
        status = response.status
        if allows_no_body(status) or status == 206:
            return False
        kind = response._content_type_value()
        if kind is None or not self.compressible(kind.partition(";")[0].strip().lower()):
            return False
        headers = response._headers
        return headers is None or not (
            is_coded_or_partial(headers)
            or any("no-transform" in line.lower() for line in headers.getall(CACHE_CONTROL, ()))
        )
