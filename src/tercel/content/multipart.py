"""Multipart bodies as coroutines read them (multipart_reference, MultipartReader).

In: the headers of a message and its body as a stream. Out: part after part, each of them a
`BodyPartReader` or, where it is multipart itself, another `MultipartReader`; None after the last.
What was not read of a part is skipped. Raises `BadMultipart`, a ValueError, for a body that is
malformed, too deep or cut off.
"""

import sys
from collections.abc import Mapping
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from tercel.content.assembly import MultipartWriter
from tercel.content.dispositions import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    parse_content_disposition,
)
from tercel.content.parts import BodyPartReader, BodyPartReaderPayload, PartSource
from tercel.wire.limits import DEFAULT_MULTIPART_LIMITS, MultipartLimits
from tercel.wire.media import content_disposition_filename, parse_content_type
from tercel.wire.multipart import BadMultipart, EndOfBody, PartHead

__all__ = (
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "BadMultipart",
    "BodyPartReader",
    "BodyPartReaderPayload",
    "MultipartReader",
    "MultipartResponseWrapper",
    "MultipartWriter",
    "content_disposition_filename",
    "parse_content_disposition",
)

_MAX_DEPTH = DEFAULT_MULTIPART_LIMITS.max_depth
#: Octets of the name of a charset in a form's field `_charset_`.
_MAX_CHARSET = 31


class MultipartResponseWrapper:
    """A reader of an answer's parts that releases the connection after the last one."""

    def __init__(self, resp: Any, stream: Any) -> None:
        self.resp = resp
        self.stream = stream

    def __aiter__(self) -> "MultipartResponseWrapper":
        return self

    async def __anext__(self) -> Any:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    def at_eof(self) -> bool:
        """True once the whole body was read."""
        return bool(self.resp.content.at_eof())

    async def next(self) -> Any:
        """The next part, None after the last."""
        part = await self.stream.next()
        if self.stream.at_eof():
            await self.release()
        return part

    async def release(self) -> None:
        """Give the connection back; what is left of the body is lost."""
        released = self.resp.release()
        if hasattr(released, "__await__"):
            await released


class MultipartReader:
    """The parts of a body. `headers` holds its Content-Type, `content` is the stream.

    `client_max_size`: octets that reading a part whole may take; above it `max_size_error_cls` is
    raised. `max_field_size`, `max_headers`: octets of a field line and lines of a part's head.
    Raises BadMultipart for a type that isn't multipart and for a missing or too long boundary.
    """

    #: What wraps the reader in `from_response`.
    response_wrapper_cls = MultipartResponseWrapper
    #: The class of nested readers; None for that of this one.
    multipart_reader_cls: type["MultipartReader"] | None = None
    #: The class of plain parts.
    part_reader_cls: type[BodyPartReader] = BodyPartReader

    _depth = 1

    def __init__(
        self,
        headers: Mapping[str, str],
        content: Any,
        *,
        client_max_size: int = sys.maxsize,
        max_field_size: int = 8190,
        max_headers: int = 128,
        max_size_error_cls: type[Exception] = ValueError,
    ) -> None:
        fields = headers if hasattr(headers, "getall") else CIMultiDict(headers)
        content_type = fields.get("Content-Type", "")
        kind, params = parse_content_type(content_type)
        if not kind.startswith("multipart/"):
            raise BadMultipart(f"the content type is {content_type!r}, expected multipart/*")
        if "boundary" not in params:
            raise BadMultipart(f"boundary missed for Content-Type: {content_type}")
        boundary = params["boundary"].encode("utf-8", "surrogateescape")
        self.headers = headers
        self._subtype = kind.partition("/")[2]
        self._boundary = b"--" + boundary
        self._options: dict[str, Any] = {
            "client_max_size": client_max_size,
            "max_size_error_cls": max_size_error_cls,
        }
        self._limit_options: dict[str, Any] = {
            "max_field_size": max_field_size,
            "max_headers": max_headers,
        }
        limits = MultipartLimits(
            max_field_size=max_field_size,
            max_headers=max_headers,
            max_head_size=max(DEFAULT_MULTIPART_LIMITS.max_head_size, 4 * max_field_size),
        )
        self._source = PartSource(content, boundary, limits)
        self._last_part: Any = None
        self._open_part: BodyPartReader | None = None
        self._default_charset: str | None = None
        self._is_begun = False
        self._at_eof = False

    @classmethod
    def from_response(cls, response: Any) -> MultipartResponseWrapper:
        """A reader of the parts of a `ClientResponse`."""
        return cls.response_wrapper_cls(response, cls(response.headers, response.content))

    def __aiter__(self) -> "MultipartReader":
        return self

    async def __anext__(self) -> Any:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    def at_eof(self) -> bool:
        """True once the final delimiter was reached."""
        return self._at_eof

    async def next(self) -> Any:
        """The next part: a BodyPartReader, a MultipartReader, or None after the last."""
        if self._at_eof:
            return None
        is_first = not self._is_begun
        part = await self.fetch_next_part()
        if is_first and self._subtype == "form-data" and isinstance(part, BodyPartReader):
            if part.name == "_charset_" and part.filename is None:
                self._default_charset = await _read_charset(part)
                part = await self.fetch_next_part()
        self._last_part = part
        return part

    async def fetch_next_part(self) -> Any:
        """Skip to the next part and return its reader; None after the last."""
        head = await self._skip_to_head()
        if head is None:
            return None
        headers = CIMultiDictProxy(
            CIMultiDict(
                (
                    name.decode("ascii"),
                    value.decode("utf-8", "surrogateescape"),
                )
                for name, value in head.pairs
            )
        )
        part = self.part_reader_cls(
            self._boundary,
            headers,
            self._source,
            subtype=self._subtype,
            default_charset=self._default_charset,
            **self._options,
        )
        self._open_part = part
        if not parse_content_type(headers.get("Content-Type", ""))[0].startswith("multipart/"):
            return part
        if self._depth >= _MAX_DEPTH:
            raise BadMultipart(f"multipart bodies are nested more than {_MAX_DEPTH} deep")
        nested_class = self.multipart_reader_cls or type(self)
        nested = nested_class(headers, part, **self._options, **self._limit_options)
        nested._depth = self._depth + 1
        return nested

    async def _skip_to_head(self) -> PartHead | None:
        self._is_begun = True
        part, self._open_part = self._open_part, None
        if part is not None:
            await part.release()
        while not self._at_eof:
            event = await self._source.next_event()
            if isinstance(event, PartHead):
                return event
            self._at_eof = isinstance(event, EndOfBody)
        return None

    async def release(self) -> None:
        """Read over all parts, up to the final delimiter."""
        while await self._skip_to_head() is not None:
            pass


async def _read_charset(part: BodyPartReader) -> str:
    """The charset that a form names in its first field (RFC 7578 section 4.6)."""
    name = bytearray()
    while piece := await part.readany():
        name += piece
        if len(name) > _MAX_CHARSET:
            raise BadMultipart("the field _charset_ of a form is too long for a charset's name")
    text = name.decode("ascii", "replace").strip()
    try:
        "".encode(text)
    except LookupError:
        raise BadMultipart(f"the form's charset is {text!r}, which is not known here") from None
    return text
