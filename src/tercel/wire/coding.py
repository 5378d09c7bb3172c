"""Content codings: gzip and deflate, encoding and decoding, and the choice between codings.

In: bytes of a body, piece by piece. Out: bytes; never more at a time than the caller asked for,
and never more in all than the ceiling. A coding is a row in `_ENCODERS` and `_DECODERS`. Raises
BadMessage for data that is not in its coding or passes the ceiling, TruncatedMessage for an end
that comes too early (RFC 9110 section 8.4). Holds no thread, no clock and no I/O.
"""

import zlib
from collections.abc import Callable
from typing import Protocol

from tercel.wire.errors import BadMessage, TruncatedMessage

__all__ = (
    "Decoder",
    "Encoder",
    "choose_coding",
    "make_decoder",
    "make_encoder",
    "supported_codings",
)

Data = bytes | bytearray | memoryview

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
#: Octets given to zlib at a time: what follows the end of a gzip member is copied, so a large piece
#: of many tiny members would cost its square.
_STEP = 16_384


class Encoder(Protocol):
    """Encodes one body."""

    def encode(self, data: Data) -> bytes:
        """Take a piece; return what is ready, often b""."""
        ...

    def finish(self) -> bytes:
        """Return the rest. Nothing may be called afterwards."""
        ...


class Decoder(Protocol):
    """Decodes one body."""

    @property
    def pending(self) -> bool:
        """True while `decode(b"", n)` would give more."""
        ...

    def decode(self, data: Data, max_length: int) -> bytes:
        """Take a piece; return at most `max_length` octets and keep the rest for later calls.

        Raises BadMessage for data that is not in the coding, and beyond the ceiling.
        """
        ...

    def finish(self) -> None:
        """Say that no more data comes. Raises TruncatedMessage where some is missing."""
        ...


class ZlibEncoder:
    """gzip (RFC 1952) and deflate, which in HTTP means the zlib format (RFC 1950)."""

    __slots__ = ("_compressor",)

    def __init__(self, wbits: int, strategy: int | None) -> None:
        self._compressor = zlib.compressobj(
            wbits=wbits, strategy=zlib.Z_DEFAULT_STRATEGY if strategy is None else strategy
        )

    def encode(self, data: Data) -> bytes:
        """Take a piece; return what is ready, often b""."""
        return self._compressor.compress(data)

    def finish(self) -> bytes:
        """Return the rest."""
        return self._compressor.flush()


class ZlibDecoder:
    """gzip with any number of members, and deflate in the zlib format or, as some send it, raw."""

    __slots__ = ("_buffer", "_ceiling", "_coding", "_given", "_inner", "_started", "_tail")

    def __init__(self, coding: str, ceiling: int | None) -> None:
        self._coding = coding
        self._ceiling = ceiling
        self._given = 0
        self._buffer = bytearray()  # not yet seen by zlib
        self._tail = b""  # seen by zlib, but held back by max_length
        self._inner = zlib.decompressobj(_GZIP) if coding == "gzip" else None
        self._started = False

    @property
    def pending(self) -> bool:
        """True while `decode(b"", n)` would give more."""
        return bool(self._tail or self._buffer)

    def decode(self, data: Data, max_length: int) -> bytes:
        """Take a piece; return at most `max_length` octets and keep the rest."""
        if max_length <= 0:
            raise ValueError(f"max_length must be positive, got {max_length}")
        self._buffer += data
        out: list[bytes] = []
        room = max_length
        while room > 0 and (self._tail or self._buffer):
            piece = self._step(room)
            if piece:
                out.append(piece)
                room -= len(piece)
        done = b"".join(out)
        self._given += len(done)
        if self._ceiling is not None and self._given > self._ceiling:
            raise BadMessage(
                f"A {self._coding} body grew beyond {self._ceiling} bytes when decoded", 413
            )
        return done

    def _step(self, room: int) -> bytes:
        if self._tail:
            piece = self._tail
        else:
            piece = bytes(self._buffer[:_STEP])
            del self._buffer[:_STEP]
        inner = self._inner
        if inner is None:
            # The low four bits name the method: 8 in every zlib header, never in raw deflate
            # that browsers have met.
            inner = zlib.decompressobj(_ZLIB if piece[0] & 0x0F == 8 else _RAW)
            self._inner = inner
        elif inner.eof:
            return self._after_end(piece)
        self._started = True
        try:
            done = inner.decompress(piece, room)
        except zlib.error as error:
            raise BadMessage(f"A body is not valid {self._coding}: {error}") from None
        self._tail = inner.unconsumed_tail
        if inner.eof and inner.unused_data:
            self._tail = inner.unused_data
        return done

    def _after_end(self, piece: bytes) -> bytes:
        """Another gzip member, or padding of zero octets, may follow the end."""
        rest = piece.lstrip(b"\x00")
        self._tail = rest
        if rest:
            if self._coding != "gzip":
                raise BadMessage("A deflate body goes on after its end")
            self._inner = zlib.decompressobj(_GZIP)
        return b""

    def finish(self) -> None:
        """Say that no more data comes; TruncatedMessage where some is missing."""
        if self._started and not (self._inner is not None and self._inner.eof):
            raise TruncatedMessage(f"A {self._coding} body ended before its coding did")


_ENCODERS: dict[str, Callable[[int | None], Encoder]] = {
    "gzip": lambda strategy: ZlibEncoder(_GZIP, strategy),
    "deflate": lambda strategy: ZlibEncoder(_ZLIB, strategy),
}

_DECODERS: dict[str, Callable[[int | None], Decoder]] = {
    "gzip": lambda ceiling: ZlibDecoder("gzip", ceiling),
    "x-gzip": lambda ceiling: ZlibDecoder("gzip", ceiling),
    "deflate": lambda ceiling: ZlibDecoder("deflate", ceiling),
}


def make_encoder(coding: str, strategy: int | None = None) -> Encoder:
    """An encoder for `coding`; `strategy` is zlib's. ValueError for an unknown coding."""
    make = _ENCODERS.get(coding)
    if make is None:
        raise ValueError(f"Content coding {coding!r} is not known, only {', '.join(_ENCODERS)}")
    return make(strategy)


def make_decoder(coding: str, ceiling: int | None = None) -> Decoder:
    """A decoder for `coding`, lower case, that gives at most `ceiling` octets in all (None: any).

    Raises ValueError for an unknown coding.
    """
    make = _DECODERS.get(coding)
    if make is None:
        raise ValueError(f"Content coding {coding!r} is not known, only {', '.join(_DECODERS)}")
    return make(ceiling)


def supported_codings() -> tuple[str, ...]:
    """The codings that can be decoded, for an Accept-Encoding field."""
    return ("gzip", "deflate")


def choose_coding(accepted: str, offered: tuple[str, ...]) -> str:
    """The coding of `offered`, most wanted first, that an Accept-Encoding value likes best.

    "identity" where it likes none of them: an answer without coding is always permitted (RFC 9110
    section 12.5.3). Malformed members count for nothing.
    """
    best, best_weight = "identity", 0.0
    weights: dict[str, float] = {}
    for member in accepted.split(","):
        name, _, parameters = member.partition(";")
        weights[name.strip().lower()] = _read_weight(parameters)
    for coding in offered:
        weight = weights.get(coding, 0.0)
        if coding == "identity":
            continue
        if weight > best_weight:
            best, best_weight = coding, weight
    if weights.get("identity", 0.0) > best_weight:
        return "identity"
    return best


def _read_weight(parameters: str) -> float:
    text = parameters.strip().lower()
    if not text:
        return 1.0
    name, _, value = text.partition("=")
    value = value.strip()
    if name.strip() != "q" or len(value) > 5 or not value.replace(".", "", 1).isdecimal():
        return 0.0
    return float(value) if value.isascii() and float(value) <= 1 else 0.0
