"""Message bodies as objects: what they are called, how long they are, how they are written.

In: a value that somebody wants to send (bytes, str, a file, an async iterable, a StreamReader,
...). Out: a `Payload` that knows its fields, its size where it has one, and writes itself piece by
piece to anything with `async write(chunk)`; `get_payload` finds the right class. Never frames a
body and never holds a file's content whole. A payload that can't be written twice says so
(`consumed`).
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from enum import StrEnum
from typing import IO, Any, ClassVar, Protocol

from multidict import CIMultiDict

from tercel.content.jsontext import dump_text
from tercel.content.unset import Unset, sentinel
from tercel.net.streams import StreamReader

__all__ = (
    "PAYLOAD_REGISTRY",
    "AsyncIterablePayload",
    "BodyWriter",
    "BufferedReaderPayload",
    "BytesIOPayload",
    "BytesPayload",
    "IOBasePayload",
    "JsonPayload",
    "Order",
    "Payload",
    "PayloadLookupError",
    "PayloadRegistry",
    "StreamReaderPayload",
    "StringIOPayload",
    "StringPayload",
    "TextIOPayload",
    "get_payload",
    "payload_type",
    "register_payload",
)

#: Octets taken from a file at a time: few hops to a thread, and little memory per upload.
FILE_PIECE = 2**18

_OCTETS = "application/octet-stream"
_TEXT = "text/plain; charset=utf-8"


class BodyWriter(Protocol):
    """Where a payload writes itself to; `write` waits while the peer is slow."""

    async def write(self, chunk: bytes | bytearray | memoryview) -> None: ...


class PayloadLookupError(Exception):
    """No payload class is registered for the type of a value."""


class Order(StrEnum):
    """When a registered class is asked, relative to the others."""

    normal = "normal"
    try_first = "try_first"
    try_last = "try_last"


class Payload(ABC):
    """One message body (client_reference, "ClientRequest.body"; web_reference, "Response").

    `value`: what is to be sent. `headers`: fields for it, which win over what is derived.
    `content_type`, `filename`, `encoding`: as in a file upload; a content type that isn't given is
    guessed from the file name, else it is `_default_content_type`.
    """

    _default_content_type: ClassVar[str] = _OCTETS
    _autoclose: ClassVar[bool] = False
    _size: int | None = None
    _consumed: bool = False

    def __init__(
        self,
        value: Any,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        content_type: str | Unset | None = sentinel,
        filename: str | None = None,
        encoding: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._value = value
        self._encoding = encoding
        self._filename = filename
        self._given_headers = headers
        self._headers: CIMultiDict[str] | None = None
        if content_type is sentinel:
            content_type = None
        self._content_type: str | None = content_type

    @property
    def size(self) -> int | None:
        """Octets that `write` will write, or None where nobody knows before."""
        return self._size

    @property
    def filename(self) -> str | None:
        return self._filename

    @property
    def encoding(self) -> str | None:
        """Name of the charset of a text, else None."""
        return self._encoding

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields that describe the body; may be changed."""
        headers = self._headers
        if headers is None:
            headers = CIMultiDict()
            headers["Content-Type"] = self._own_content_type()
            if self._given_headers:
                headers.update(self._given_headers)
            self._headers = headers
        return headers

    @property
    def content_type(self) -> str:
        """The value of Content-Type."""
        if self._headers is None and not self._given_headers:
            return self._own_content_type()
        return self.headers["Content-Type"]

    def _own_content_type(self) -> str:
        if self._content_type is None:
            guessed = _guess(self._filename) if self._filename else None
            self._content_type = guessed or self._default_content_type
        return self._content_type

    @property
    def consumed(self) -> bool:
        """True once the body has been written and can't be written again."""
        return self._consumed

    @property
    def autoclose(self) -> bool:
        """True where there is nothing to close."""
        return self._autoclose

    def set_content_disposition(
        self,
        disptype: str,
        quote_fields: bool = True,
        _charset: str = "utf-8",
        **params: str,
    ) -> None:
        """Set Content-Disposition (RFC 6266); ValueError for what can't stand there."""
        from tercel.wire.media import format_content_disposition

        self.headers["Content-Disposition"] = format_content_disposition(
            disptype, params, quote_fields=quote_fields, charset=_charset
        )

    @abstractmethod
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text; TypeError where reading it would have to wait."""

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The whole body in memory; a text is encoded with `encoding`."""
        return self.decode(encoding, errors).encode(encoding, errors)

    async def write(self, writer: BodyWriter) -> None:
        """Write the whole body to `writer`."""
        await self.write_with_length(writer, None)

    @abstractmethod
    async def write_with_length(self, writer: BodyWriter, content_length: int | None) -> None:
        """Write at most `content_length` octets (None: all) to `writer`."""

    async def close(self) -> None:  # noqa: B027
        """Release what the payload holds. Closing twice is harmless."""


def _guess(filename: str) -> str | None:
    import mimetypes

    return mimetypes.guess_type(filename)[0]


class BytesPayload(Payload):
    """Octets in memory: bytes, bytearray, memoryview."""

    _value: bytes | bytearray | memoryview
    _autoclose = True

    def __init__(self, value: bytes | bytearray | memoryview, *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"value must be bytes, bytearray or memoryview, not {type(value)!r}")
        super().__init__(value, *args, **kwargs)
        self._size = value.nbytes if isinstance(value, memoryview) else len(value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(self._value).decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return bytes(self._value)

    async def write_with_length(self, writer: BodyWriter, content_length: int | None) -> None:
        if content_length is None:
            await writer.write(self._value)
        else:
            await writer.write(memoryview(self._value).cast("B")[:content_length])


class StringPayload(BytesPayload):
    """A text, encoded with the charset of its content type (utf-8 where none is named)."""

    _default_content_type = _TEXT

    def __init__(
        self,
        value: str,
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = _charset_of(encoding, content_type)
        super().__init__(
            value.encode(encoding), *args, encoding=encoding, content_type=content_type, **kwargs
        )


def _charset_of(encoding: str | None, content_type: str | None) -> tuple[str, str]:
    """The charset to encode a text with, and the content type that names it."""
    if content_type is None:
        encoding = encoding or "utf-8"
        return encoding, _TEXT if encoding == "utf-8" else f"text/plain; charset={encoding}"
    if encoding is None:
        from tercel.wire.media import parse_content_type

        encoding = parse_content_type(content_type)[1].get("charset", "utf-8")
    return encoding, content_type


class StringIOPayload(StringPayload):
    """The text held by a StringIO, from its position on."""

    def __init__(self, value: io.StringIO, *args: Any, **kwargs: Any) -> None:
        super().__init__(value.read(), *args, **kwargs)


class JsonPayload(BytesPayload):
    """`value` as JSON. `dumps` makes the text, `encoding` the octets."""

    def __init__(
        self,
        value: Any,
        encoding: str = "utf-8",
        content_type: str = "application/json",
        dumps: Callable[[Any], str] = json.dumps,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dump_text(value, dumps).encode(encoding),
            *args,
            content_type=content_type,
            encoding=encoding,
            **kwargs,
        )


class IOBasePayload(Payload):
    """A file: read in pieces in a thread, from the position that it had when it was given.

    Closed by `close`. A file that can seek can be written again; another one is `consumed`.
    """

    _value: IO[Any]

    def __init__(
        self, value: IO[Any], disposition: str | None = "attachment", *args: Any, **kwargs: Any
    ) -> None:
        if kwargs.get("filename") is None:
            kwargs["filename"] = _name_of(value)
        super().__init__(value, *args, **kwargs)
        self._start: int | None = _position_of(value)
        self._written = False
        if self._filename is not None and disposition is not None:
            given = dict(self._given_headers or {})
            if not any(name.lower() == "content-disposition" for name in given):
                self.set_content_disposition(disposition, filename=self._filename)

    @property
    def size(self) -> int | None:
        if self._start is None:
            return None
        try:
            facts = os.fstat(self._value.fileno())
        except (OSError, AttributeError, ValueError):
            return None
        if not stat.S_ISREG(facts.st_mode):
            return None
        return max(facts.st_size - self._start, 0)

    def _rewind(self) -> None:
        if self._start is not None:
            self._value.seek(self._start)
        elif self._written:
            raise ValueError("the file was sent before and can't seek back to where it began")

    def _encoded(self, piece: Any) -> bytes:
        return piece.encode(self._encoding or "utf-8") if isinstance(piece, str) else piece

    def _first_piece(self, count: int) -> bytes:
        self._rewind()
        self._written = True
        self._consumed = self._start is None
        return self._encoded(self._value.read(count))

    def _next_piece(self, count: int) -> bytes:
        return self._encoded(self._value.read(count))

    async def write_with_length(self, writer: BodyWriter, content_length: int | None) -> None:
        loop = asyncio.get_running_loop()
        left = FILE_PIECE if content_length is None else content_length
        read = self._first_piece
        while left > 0:
            piece = await loop.run_in_executor(None, read, min(left, FILE_PIECE))
            read = self._next_piece
            if not piece:
                break
            if content_length is not None:
                piece = piece[:left]
                left -= len(piece)
            await writer.write(piece)

    def _read_all(self) -> bytes:
        self._rewind()
        self._written = True
        self._consumed = self._start is None
        return self._encoded(self._value.read())

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._read_all().decode(encoding, errors)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return await asyncio.get_running_loop().run_in_executor(None, self._read_all)

    async def close(self) -> None:
        self._value.close()


def _name_of(file: Any) -> str | None:
    name = getattr(file, "name", None)
    if isinstance(name, str) and name and not (name.startswith("<") and name.endswith(">")):
        return os.path.basename(name)
    return None


def _position_of(file: Any) -> int | None:
    try:
        return file.tell() if file.seekable() else None
    except (OSError, AttributeError, ValueError):
        return None


class BufferedReaderPayload(IOBasePayload):
    """A binary file."""


class TextIOPayload(IOBasePayload):
    """A file opened as text, sent in `encoding` (utf-8 where none is named)."""

    _default_content_type = _TEXT

    def __init__(
        self,
        value: IO[str],
        *args: Any,
        encoding: str | None = None,
        content_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        encoding, content_type = _charset_of(encoding, content_type)
        super().__init__(value, *args, content_type=content_type, encoding=encoding, **kwargs)

    @property
    def size(self) -> int | None:
        # Reading a text translates its newlines and charset, so the file's size says nothing.
        return None


class BytesIOPayload(IOBasePayload):
    """Octets held by a BytesIO, from its position on. Never closed: it is memory."""

    _value: io.BytesIO
    _autoclose = True

    @property
    def size(self) -> int | None:
        return self._value.getbuffer().nbytes - (self._start or 0)

    async def write_with_length(self, writer: BodyWriter, content_length: int | None) -> None:
        left = self.size or 0
        if content_length is not None:
            left = min(left, content_length)
        self._rewind()
        while left > 0:
            piece = self._value.read(min(left, FILE_PIECE))
            if not piece:
                break
            left -= len(piece)
            await writer.write(piece)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self._read_all()

    async def close(self) -> None:
        """Nothing: the buffer is its owner's."""


class AsyncIterablePayload(Payload):
    """What an async iterable of octets yields. Can be written once."""

    def __init__(self, value: AsyncIterable[bytes], *args: Any, **kwargs: Any) -> None:
        if not isinstance(value, AsyncIterable):
            raise TypeError(f"value must be an async iterable, not {type(value)!r}")
        super().__init__(value, *args, **kwargs)
        self._iterator: AsyncIterator[bytes] | None = aiter(value)

    @property
    def consumed(self) -> bool:
        return self._iterator is None

    async def write_with_length(self, writer: BodyWriter, content_length: int | None) -> None:
        iterator, self._iterator = self._iterator, None
        if iterator is None:
            raise ValueError("the async iterable was sent before and can't be sent again")
        left = content_length
        try:
            async for piece in iterator:
                if left is not None:
                    piece = piece[:left]
                    left -= len(piece)
                if piece:
                    await writer.write(piece)
                if left == 0:
                    break
        finally:
            aclose = getattr(iterator, "aclose", None)
            if aclose is not None:
                await aclose()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("an async iterable can't be read without waiting")

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """All of it; from then on the payload holds the pieces and can be written."""
        pieces = _Pieces()
        await self.write(pieces)
        self._iterator = _replay(pieces.held)
        return b"".join(pieces.held)

    async def close(self) -> None:
        iterator, self._iterator = self._iterator, None
        aclose = getattr(iterator, "aclose", None)
        if aclose is not None:
            await aclose()


class _Pieces:
    """A body writer that keeps what it gets."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.held.append(bytes(chunk))


async def _replay(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class StreamReaderPayload(AsyncIterablePayload):
    """The rest of a StreamReader, such as another answer's `content`."""

    def __init__(self, value: StreamReader, *args: Any, **kwargs: Any) -> None:
        super().__init__(value.iter_any(), *args, **kwargs)


class PayloadRegistry:
    """Which payload class stands for which type of value.

    A class registered with `Order.try_first` wins over all others, one with `Order.try_last` is
    asked when no other fits; among equals the last registered wins. Subclasses of a registered
    type count.
    """

    def __init__(self) -> None:
        self._tiers: dict[Order, list[tuple[type, Any]]] = {order: [] for order in Order}
        self._found: dict[type, Any] = {}

    def register(
        self,
        factory: Callable[..., Payload],
        type: type | tuple[type, ...],
        *,
        order: Order = Order.normal,
    ) -> None:
        """Let `factory` stand for values of `type` (a type or a tuple of types)."""
        for one in type if isinstance(type, tuple) else (type,):
            self._tiers[Order(order)].append((one, factory))
        self._found.clear()

    def get(self, data: Any, *args: Any, **kwargs: Any) -> Payload:
        """The payload of `data`, which is returned as it is if it is one; PayloadLookupError."""
        if isinstance(data, Payload):
            return data
        payload: Payload = self.find(data.__class__)(data, *args, **kwargs)
        return payload

    def find(self, kind: type) -> Any:
        """What stands for values of the type `kind`; PayloadLookupError if nothing does."""
        factory = self._found.get(kind)
        return self._find(kind) if factory is None else factory

    def _find(self, kind: type) -> Any:
        for order in (Order.try_first, Order.normal, Order.try_last):
            best = None
            for registered, factory in self._tiers[order]:
                if issubclass(kind, registered) and (
                    best is None or not _is_closer(best[0], registered)
                ):
                    best = (registered, factory)
            if best is not None:
                self._found[kind] = best[1]
                return best[1]
        raise PayloadLookupError(f"no payload class is registered for {kind.__name__}")


def _is_closer(one: type, other: type) -> bool:
    """True if `one` says more about a value than `other`: it is derived from it."""
    return one is not other and issubclass(one, other)


PAYLOAD_REGISTRY = PayloadRegistry()


def get_payload(data: Any, *args: Any, **kwargs: Any) -> Payload:
    """The payload of `data` by PAYLOAD_REGISTRY; PayloadLookupError if there is none."""
    return PAYLOAD_REGISTRY.get(data, *args, **kwargs)


def register_payload(
    factory: Callable[..., Payload], type: type | tuple[type, ...], *, order: Order = Order.normal
) -> None:
    """Register `factory` for `type` in PAYLOAD_REGISTRY."""
    PAYLOAD_REGISTRY.register(factory, type, order=order)


class payload_type:
    """A class decorator that registers the class for a type of value.

    `@payload_type(Decimal)` above a Payload class; `order` as in `PayloadRegistry`.
    """

    def __init__(self, type: type | tuple[type, ...], *, order: Order = Order.normal) -> None:
        self.type = type
        self.order = order

    def __call__(self, factory: type[Payload]) -> type[Payload]:
        register_payload(factory, self.type, order=self.order)
        return factory


register_payload(BytesPayload, (bytes, bytearray, memoryview))
register_payload(StringPayload, str)
register_payload(StringIOPayload, io.StringIO)
register_payload(TextIOPayload, io.TextIOBase)
register_payload(BytesIOPayload, io.BytesIO)
register_payload(BufferedReaderPayload, (io.BufferedReader, io.BufferedRandom))
register_payload(IOBasePayload, io.IOBase)
register_payload(StreamReaderPayload, StreamReader)
register_payload(AsyncIterablePayload, AsyncIterable, order=Order.try_last)
