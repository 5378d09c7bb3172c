"""One part of a multipart body, as coroutines read it (multipart_reference, BodyPartReader).

In: the events of a `wire.multipart.MultipartParser` that a `PartSource` drives. Out: octets, lines,
text, JSON, form fields; encoded or decoded. Holds one piece at a time unless asked for all of it.
Raises `BadMultipart`, a ValueError, for what the peer sent wrong, at the read that meets it.
"""

import asyncio
import binascii
import json
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from multidict import CIMultiDict, CIMultiDictProxy

from tercel.content.dispositions import read_part_names
from tercel.content.jsontext import load_text
from tercel.content.payload import BodyWriter, Payload, register_payload
from tercel.wire.coding import make_decoder
from tercel.wire.limits import (
    DEFAULT_MULTIPART_LIMITS,
    FREE_INFLATION,
    MAX_INFLATION,
    MultipartLimits,
)
from tercel.wire.media import parse_content_type
from tercel.wire.multipart import (
    BadMultipart,
    EndOfBody,
    EndOfPart,
    MultipartParser,
    PartHead,
)

__all__ = ("BodyPartReader", "BodyPartReaderPayload", "PartSource")

#: Octets of a line: as many as a stream accepts.
_MAX_LINE = 131_072
#: Octets from which decoding happens in a thread.
_LARGE = 65_536
_PIECE = 65_536


class PartSource:
    """The events of one multipart body, from a stream that has `readany()` or `read(n)`."""

    __slots__ = ("_content", "_parser")

    def __init__(
        self,
        content: Any,
        boundary: bytes,
        limits: MultipartLimits = DEFAULT_MULTIPART_LIMITS,
        within_part: bool = False,
    ) -> None:
        self._content = content
        self._parser = MultipartParser(boundary, limits, within_part)

    async def next_event(self) -> PartHead | EndOfPart | EndOfBody | bytes:
        """The next event of the body."""
        parser = self._parser
        while True:
            event = parser.next_event()
            if event is not None:
                return event
            if parser.is_done:
                return EndOfBody()
            content = self._content
            readany = getattr(content, "readany", None)
            data = await (content.read(_PIECE) if readany is None else readany())
            if data:
                parser.feed_data(bytes(data))
            else:
                parser.feed_eof()


class BodyPartReader:
    """One part. `boundary` is the delimiter with its dashes, `content` the stream it stands in.

    `headers` are the part's fields. `client_max_size`: octets that `read` returns at most, decoded
    or not; above it `max_size_error_cls` is raised. `max_decompress_size`: octets that
    `decode_iter` yields at a time.
    """

    chunk_size = 8192

    def __init__(
        self,
        boundary: bytes,
        headers: Mapping[str, str],
        content: Any,
        *,
        subtype: str = "mixed",
        default_charset: str | None = None,
        max_decompress_size: int = 262_144,
        client_max_size: int = sys.maxsize,
        max_size_error_cls: type[Exception] = ValueError,
    ) -> None:
        self.headers: CIMultiDictProxy[str] | CIMultiDict[str] = (
            headers
            if isinstance(headers, CIMultiDictProxy | CIMultiDict)
            else CIMultiDictProxy(CIMultiDict(headers))
        )
        if not isinstance(content, PartSource):
            content = PartSource(content, boundary[2:], within_part=True)
        self._source: PartSource = content
        self._is_form_data = subtype == "form-data"
        self._default_charset = default_charset
        self._max_decompress_size = max_decompress_size
        self._client_max_size = client_max_size
        self._max_size_error_cls = max_size_error_cls
        self._held = b""
        self._position = 0
        self._ended = False
        self._names: tuple[str | None, str | None] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or ''!r}>"

    def __aiter__(self) -> "BodyPartReader":
        return self

    async def __anext__(self) -> bytearray:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    # Names

    @property
    def name(self) -> str | None:
        """The field's name, None without one."""
        return self._read_names()[0]

    @property
    def filename(self) -> str | None:
        """The file name as its sender wrote it, None without one. Never a safe path."""
        return self._read_names()[1]

    def _read_names(self) -> tuple[str | None, str | None]:
        if self._names is None:
            header = self.headers.get("Content-Disposition")
            if header is not None and self._default_charset is not None:
                header = _decode_again(header, self._default_charset)
            self._names = read_part_names(header)
        return self._names

    def get_charset(self, default: str | None = None) -> str | None:
        """The charset of the content type, else that of the form, else `default`."""
        params = parse_content_type(self.headers.get("Content-Type", ""))[1]
        return params.get("charset", self._default_charset or default)

    # Reading

    def at_eof(self) -> bool:
        """True once the part was read to its end."""
        return self._ended and self._position >= len(self._held)

    async def _take(self, size: int) -> bytes:
        """Up to `size` octets as soon as there are any; b"" at the end."""
        if self._position >= len(self._held):
            if self._ended:
                return b""
            event = await self._source.next_event()
            if not isinstance(event, bytes):
                self._ended = True
                self._held = b""
                self._position = 0
                return b""
            self._held = event
            self._position = 0
        start = self._position
        self._position = start + size
        if start == 0 and size >= len(self._held):
            return self._held
        return self._held[start : start + size]

    async def readany(self) -> bytes:
        """What is at hand, at least one octet; b"" at the end."""
        return await self._take(sys.maxsize - len(self._held))

    async def read(self, *, decode: bool = False) -> bytearray:
        """The whole part, decoded where `decode` is True; empty once it was read."""
        data = bytearray()
        while piece := await self.readany():
            data += piece
            if len(data) > self._client_max_size:
                raise self._too_large(len(data))
        if not decode or not data:
            return data
        decoded = bytearray()
        async for piece in self.decode_iter(data):
            decoded += piece
            if len(decoded) > self._client_max_size:
                raise self._too_large(len(decoded))
        return decoded

    def _too_large(self, size: int) -> Exception:
        limit = self._client_max_size
        kind: Any = self._max_size_error_cls
        if issubclass(kind, ValueError):
            return BadMultipart(f"a part has more than {limit} octets", 413)
        error: Exception = kind(max_size=limit, actual_size=size)
        return error

    async def read_chunk(self, size: int = chunk_size) -> bytes:
        """Up to `size` octets, as they came; b"" at the end.

        Of a base64 part, as many as can be decoded by themselves.
        """
        if size <= 0:
            return b""
        chunk = await self._take(size)
        if not chunk or self._transfer_coding() != "base64":
            return chunk
        pieces = [chunk]
        missing = -_count_base64(chunk) % 4
        while missing:
            piece = await self._take(missing)
            if not piece:
                break
            pieces.append(piece)
            missing -= _count_base64(piece)
        return b"".join(pieces)

    async def readline(self) -> bytes:
        """The next line with its line break; b"" at the end. BadMultipart for a very long line."""
        pieces = []
        size = 0
        while piece := await self.readany():
            end = piece.find(b"\n") + 1
            if end:
                self._position = len(self._held) - len(piece) + end
                piece = piece[:end]
            else:
                self._position = len(self._held)
            pieces.append(piece)
            size += len(piece)
            if size > _MAX_LINE:
                raise BadMultipart(f"a line of a part has more than {_MAX_LINE} octets")
            if end:
                break
        return b"".join(pieces)

    async def release(self) -> None:
        """Read the rest to nowhere."""
        while await self.readany():
            pass

    async def next(self) -> bytearray | None:
        """The whole part the first time, then None."""
        return await self.read() or None

    async def text(self, *, encoding: str | None = None) -> str:
        """The whole part decoded, as text in `encoding`, else in its charset, else UTF-8."""
        data = await self.read(decode=True)
        return data.decode(encoding or self.get_charset("utf-8") or "utf-8")

    async def json(self, *, encoding: str | None = None) -> Any:
        """The whole part as JSON reads it; None for an empty one."""
        text = await self.text(encoding=encoding)
        return load_text(text, json.loads) if text else None

    async def form(self, *, encoding: str | None = None) -> list[tuple[str, str]]:
        """The whole part as pairs of an urlencoded form."""
        charset = encoding or self.get_charset("utf-8") or "utf-8"
        text = await self.text(encoding=charset)
        return parse_qsl(text.rstrip(), keep_blank_values=True, encoding=charset)

    # Decoding

    def _transfer_coding(self) -> str:
        return self.headers.get("Content-Transfer-Encoding", "").strip().lower()

    def _content_coding(self) -> str:
        # Fields of a form know three header fields; all others are to be ignored (RFC 7578, 4.8).
        if self._is_form_data:
            return ""
        coding = self.headers.get("Content-Encoding", "").strip().lower()
        return "" if coding == "identity" else coding

    def _decode_transfer(self, data: bytes | bytearray | memoryview) -> bytes:
        coding = self._transfer_coding()
        if coding == "base64":
            return binascii.a2b_base64(data)
        if coding == "quoted-printable":
            return binascii.a2b_qp(data)
        if coding in ("", "binary", "8bit", "7bit"):
            return bytes(data)
        raise RuntimeError(f"unknown content transfer encoding: {coding}")

    def _make_decoder(self, coding: str) -> Any:
        try:
            return make_decoder(coding, FREE_INFLATION, MAX_INFLATION)
        except ValueError:
            raise RuntimeError(f"unknown content encoding: {coding}") from None

    def decode(self, data: bytes | bytearray | memoryview) -> bytes:
        """`data`, the whole part, without its content and transfer codings.

        RuntimeError for a coding that is not known.
        """
        data = self._decode_transfer(data)
        coding = self._content_coding()
        if not coding:
            return data
        decoder = self._make_decoder(coding)
        pieces = []
        size = 0
        while data or decoder.pending:
            pieces.append(decoder.decode(data, self._max_decompress_size))
            size += len(pieces[-1])
            if size > self._client_max_size:
                raise self._too_large(size)
            data = b""
        decoder.finish()
        return b"".join(pieces)

    async def decode_iter(self, data: bytes | bytearray | memoryview) -> AsyncIterator[bytes]:
        """Pieces of `data` decoded; in a thread where there is much of it."""
        loop = asyncio.get_running_loop()
        is_large = len(data) > _LARGE
        if is_large:
            data = await loop.run_in_executor(None, self._decode_transfer, data)
        else:
            data = self._decode_transfer(data)
        coding = self._content_coding()
        if not coding:
            yield data
            return
        decoder = self._make_decoder(coding)
        limit = self._max_decompress_size
        while data or decoder.pending:
            if is_large:
                piece = await loop.run_in_executor(None, decoder.decode, data, limit)
            else:
                piece = decoder.decode(data, limit)
            data = b""
            if piece:
                is_large = is_large or len(piece) > _LARGE
                yield piece
        decoder.finish()

    async def decoded_pieces(self) -> AsyncIterator[bytes]:
        """The part from here on, decoded piece by piece; content codings take all of it."""
        if self._content_coding():
            yield bytes(await self.read(decode=True))
            return
        by_line = self._transfer_coding() == "quoted-printable"
        while piece := await (self.readline() if by_line else self.read_chunk(_PIECE)):
            yield self._decode_transfer(piece)


def _decode_again(header: str, charset: str) -> str:
    """A field that was read as UTF-8, read in the charset of its form, if it is in that."""
    try:
        return header.encode("utf-8", "surrogateescape").decode(charset)
    except (LookupError, ValueError):
        return header


def _count_base64(data: bytes) -> int:
    """Octets of `data` that base64 counts."""
    return len(data) - data.count(b"\r") - data.count(b"\n") - data.count(b" ") - data.count(b"\t")


class BodyPartReaderPayload(Payload):
    """A part that was received, sent on, decoded. Can be written once."""

    _value: BodyPartReader

    def __init__(self, value: BodyPartReader, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("disposition", None)
        if kwargs.get("content_type") is None and "Content-Type" in value.headers:
            kwargs["content_type"] = value.headers["Content-Type"]
        if kwargs.get("filename") is None:
            kwargs["filename"] = value.filename
        super().__init__(value, *args, **kwargs)
        names = {"name": value.name, "filename": value.filename}
        params = {key: text for key, text in names.items() if text is not None}
        if params and "Content-Disposition" not in self.headers:
            self.set_content_disposition("attachment", True, **params)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("a part that arrives can't be read without waiting")

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        self._consumed = True
        return bytes(await self._value.read(decode=True))

    async def write_with_length(self, writer: BodyWriter, content_length: int | None) -> None:
        self._consumed = True
        left = content_length
        async for piece in self._value.decoded_pieces():
            if left is not None:
                piece = piece[:left]
                left -= len(piece)
            if piece:
                await writer.write(piece)


register_payload(BodyPartReaderPayload, BodyPartReader)
