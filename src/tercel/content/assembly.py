"""MultipartWriter: a body put together from parts (multipart_reference).

In: values, payloads and other writers. Out: a payload that writes them one after another, each with
its head, encoded as its Content-Encoding and Content-Transfer-Encoding say. Never holds a part's
content. Raises ValueError for a boundary or a header field that would break the body.
"""

import binascii
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from multidict import CIMultiDict

from tercel.content.payload import (
    BodyWriter,
    JsonPayload,
    Payload,
    PayloadLookupError,
    StringPayload,
    get_payload,
)
from tercel.wire.coding import make_encoder
from tercel.wire.limits import DEFAULT_MULTIPART_LIMITS
from tercel.wire.media import is_token, quote_parameter
from tercel.wire.octets import is_field_text

__all__ = ("MultipartWriter",)

_MAX_BOUNDARY = DEFAULT_MULTIPART_LIMITS.max_boundary
_IDENTITY = ("", "identity")
_PLAIN = ("", "binary", "8bit", "7bit")


class MultipartWriter(Payload):
    """A multipart body. `subtype` is that of its type, `boundary` ASCII text, random by default.

    Without `close_boundary` the body has no end of its own, as multipart/x-mixed-replace wants.
    Raises ValueError for a boundary that is not 1 to 70 printable ASCII characters, the last of
    them no space.
    """

    def __init__(
        self, subtype: str = "mixed", boundary: str | None = None, close_boundary: bool = True
    ) -> None:
        if not is_token(subtype):
            raise ValueError(f"the subtype is {subtype!r}, expected a token")
        if boundary is None:
            boundary = uuid.uuid4().hex
        elif not isinstance(boundary, str):
            raise TypeError(f"the boundary is {boundary!r}, expected str")
        if not boundary.isascii():
            raise ValueError("boundary should contain ASCII only chars")
        if not 1 <= len(boundary) <= _MAX_BOUNDARY:
            raise ValueError(
                f"the boundary has {len(boundary)} characters, expected 1 to {_MAX_BOUNDARY}"
            )
        if not boundary.isprintable() or boundary.endswith(" "):
            raise ValueError("boundary value contains invalid characters")
        super().__init__(
            None, content_type=f"multipart/{subtype}; boundary={quote_parameter(boundary)}"
        )
        self._boundary = boundary
        self._delimiter = b"--" + boundary.encode()
        self._closes = close_boundary
        self._is_form_data = subtype == "form-data"
        self._parts: list[Payload] = []

    def __enter__(self) -> "MultipartWriter":
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is to be done: the block only shows what belongs together."""

    def __iter__(self) -> Iterator[Payload]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __bool__(self) -> bool:
        return True

    @property
    def boundary(self) -> str:
        """The boundary, without dashes."""
        return self._boundary

    @property
    def consumed(self) -> bool:
        """True where a part can't be written again."""
        return any(part.consumed for part in self._parts)

    # Appending

    def append(self, obj: Any, headers: Mapping[str, str] | None = None) -> Payload:
        """Add a part and return its payload; TypeError for what no payload class stands for.

        `headers` are the part's fields; they win over those that come from the value.
        """
        if isinstance(obj, Payload):
            if headers:
                obj.headers.update(headers)
            return self.append_payload(obj)
        try:
            payload = get_payload(obj, headers=headers)
        except PayloadLookupError:
            raise TypeError(f"Cannot create payload from {obj!r}") from None
        return self.append_payload(payload)

    def append_payload(self, payload: Payload) -> Payload:
        """Add a payload as a part and return it. RuntimeError for a coding that is not known."""
        is_coded = _is_coded(payload)
        if is_coded:
            _CodedWriter(_Pieces(), payload)  # who asks for the impossible hears of it here
        if self._is_form_data:
            # RFC 7578 section 4.8: fields of a form have no other fields that would count.
            payload.headers.popall("Content-Length", None)
        elif payload.size is not None and not is_coded:
            payload.headers["Content-Length"] = str(payload.size)
        self._parts.append(payload)
        return payload

    def append_json(self, obj: Any, headers: Mapping[str, str] | None = None) -> Payload:
        """Add `obj` as a JSON part."""
        return self.append_payload(JsonPayload(obj, headers=headers))

    def append_form(
        self,
        obj: Sequence[tuple[str, str]] | Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Payload:
        """Add pairs as an urlencoded part."""
        pairs: Any = list(obj.items()) if isinstance(obj, Mapping) else obj
        return self.append_payload(
            StringPayload(
                urlencode(pairs, doseq=True),
                headers=headers,
                content_type="application/x-www-form-urlencoded",
            )
        )

    # Writing

    @property
    def size(self) -> int | None:
        """Octets of the whole body; None where a part's size is not known or encoded."""
        total = 0
        for part in self._parts:
            size = part.size
            if size is None or _is_coded(part):
                return None
            total += len(self._encode_head(part)) + size + 2
        return total + (len(self._delimiter) + 4 if self._closes else 0)

    def _encode_head(self, part: Payload) -> bytes:
        """The delimiter and the head of a part; ValueError for what would break it."""
        lines = [self._delimiter]
        is_coded = _is_coded(part)
        for name, value in part.headers.items():
            if is_coded and name.lower() == "content-length":
                continue
            raw = value.encode("utf-8", "surrogateescape")
            if not is_token(name) or not is_field_text(raw):
                raise ValueError(
                    f"the field {name!r} of a part is {value!r}, "
                    "expected a token and text without control characters"
                )
            lines.append(name.encode() + b": " + raw)
        lines.append(b"\r\n")
        return b"\r\n".join(lines)

    async def write(self, writer: BodyWriter, close_boundary: bool = True) -> None:
        """Write all parts, and the closing delimiter unless `close_boundary` is False."""
        for part in self._parts:
            await writer.write(self._encode_head(part))
            if _is_coded(part):
                coded = _CodedWriter(writer, part)
                await part.write(coded)
                await coded.finish()
            else:
                await part.write(writer)
            await writer.write(b"\r\n")
        if close_boundary and self._closes:
            await writer.write(self._delimiter + b"--\r\n")

    async def write_with_length(self, writer: BodyWriter, content_length: int | None) -> None:
        await self.write(writer if content_length is None else _Cut(writer, content_length))

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The body as text; TypeError where a part can't be read without waiting."""
        texts = []
        for part in self._parts:
            if _is_coded(part):
                raise TypeError("an encoded part can't be read without waiting")
            texts.append(self._encode_head(part).decode("utf-8", errors))
            texts.append(part.decode(encoding, errors) + "\r\n")
        if self._closes:
            texts.append(self._delimiter.decode() + "--\r\n")
        return "".join(texts)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The whole body in memory."""
        pieces = _Pieces()
        await self.write(pieces)
        return bytes(pieces.held)

    async def close(self) -> None:
        """Close all parts; the first error is raised after that."""
        failure: Exception | None = None
        for part in self._parts:
            try:
                await part.close()
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure


def _codings(part: Payload) -> tuple[str, str]:
    headers: CIMultiDict[str] = part.headers
    return (
        headers.get("Content-Encoding", "").strip().lower(),
        headers.get("Content-Transfer-Encoding", "").strip().lower(),
    )


def _is_coded(part: Payload) -> bool:
    """True if what is written of `part` is not what it holds."""
    content, transfer = _codings(part)
    return content not in _IDENTITY or transfer not in _PLAIN


class _Pieces:
    """A body writer that keeps what it gets."""

    def __init__(self) -> None:
        self.held = bytearray()

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.held += chunk


class _Cut:
    """A body writer that passes on the first `left` octets."""

    def __init__(self, writer: BodyWriter, left: int) -> None:
        self._writer = writer
        self._left = left

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        piece = memoryview(chunk).cast("B")[: self._left]
        self._left -= len(piece)
        if piece:
            await self._writer.write(piece)


class _CodedWriter:
    """A body writer that applies the codings of a part. RuntimeError for an unknown one."""

    def __init__(self, writer: BodyWriter, part: Payload) -> None:
        content, transfer = _codings(part)
        self._writer = writer
        self._encoder: Any = None
        if content not in _IDENTITY:
            try:
                self._encoder = make_encoder(content)
            except ValueError:
                raise RuntimeError(f"unknown content encoding: {content}") from None
        if transfer not in _PLAIN and transfer not in _TRANSFER_CODINGS:
            raise RuntimeError(f"unknown content transfer encoding: {transfer}")
        self._transfer = transfer
        self._held = bytearray()
        self._is_begun = False

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        await self._pass_on(chunk if self._encoder is None else self._encoder.encode(chunk), False)

    async def finish(self) -> None:
        await self._pass_on(b"" if self._encoder is None else self._encoder.finish(), True)

    async def _pass_on(self, data: bytes | bytearray | memoryview, is_last: bool) -> None:
        if self._transfer in _PLAIN:
            if data:
                await self._writer.write(data)
            return
        encode, width, line_break = _TRANSFER_CODINGS[self._transfer]
        held = self._held
        held += data
        count = len(held) if is_last else len(held) // width * width
        lines = [encode(bytes(held[i : i + width])) for i in range(0, count, width)]
        del held[:count]
        if lines:
            if self._is_begun:
                lines.insert(0, b"")
            self._is_begun = True
            await self._writer.write(line_break.join(lines))


def _encode_base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)


def _encode_quoted(data: bytes) -> bytes:
    return binascii.b2a_qp(data, istext=False)


#: What encodes a line, the octets that fit into its 76 characters, and what parts it from the next
#: (RFC 2045 sections 6.7 and 6.8).
_TRANSFER_CODINGS: dict[str, tuple[Callable[[bytes], bytes], int, bytes]] = {
    "base64": (_encode_base64, 57, b"\r\n"),
    "quoted-printable": (_encode_quoted, 25, b"=\r\n"),
}
