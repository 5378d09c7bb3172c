"""What puts a body into a content coding: gzip, deflate, br or zstd, piece by piece.

In: pieces of a body. Out: bytes of its coding. A coding is a row in `_ENCODERS`. Levels are those
for answers made on the fly: better ones cost many times the work for a few percent. Holds no
thread, no clock and no I/O.
"""

import zlib
from collections.abc import Callable
from typing import Any, Protocol

from tercel.wire.libraries import find_brotli, find_zlib, find_zstd, has_zstd

__all__ = ("Encoder", "encodable_codings", "make_encoder")

Data = bytes | bytearray | memoryview

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
#: Of 0 to 11; from 5 on brotli is slower than gzip.
_BROTLI_QUALITY = 4
#: zstd's own default.
_ZSTD_LEVEL = 3


class Encoder(Protocol):
    """Encodes one body."""

    def encode(self, data: Data) -> bytes:
        """Take a piece; return what is ready, often b""."""
        ...

    def flush(self) -> bytes:
        """Return what was held back, so that all taken so far can be decoded."""
        ...

    def finish(self) -> bytes:
        """Return the rest. Nothing may be called afterwards."""
        ...


class ZlibEncoder:
    """gzip (RFC 1952) and deflate, which in HTTP means the zlib format (RFC 1950)."""

    __slots__ = ("_compressor",)

    def __init__(self, wbits: int, strategy: int | None) -> None:
        self._compressor = find_zlib().compressobj(
            wbits=wbits, strategy=zlib.Z_DEFAULT_STRATEGY if strategy is None else strategy
        )

    def encode(self, data: Data) -> bytes:
        """Take a piece; return what is ready, often b""."""
        return self._compressor.compress(data)  # type: ignore[no-any-return]

    def flush(self) -> bytes:
        """Return what was held back."""
        return self._compressor.flush(zlib.Z_SYNC_FLUSH)  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        """Return the rest."""
        return self._compressor.flush()  # type: ignore[no-any-return]


class BrotliEncoder:
    """br (RFC 7932), with `brotli` or `brotlicffi`."""

    __slots__ = ("_compressor",)

    def __init__(self) -> None:
        self._compressor: Any = find_brotli().Compressor(quality=_BROTLI_QUALITY)

    def encode(self, data: Data) -> bytes:
        """Take a piece; return what is ready, often b""."""
        return self._compressor.process(bytes(data))  # type: ignore[no-any-return]

    def flush(self) -> bytes:
        """Return what was held back."""
        return self._compressor.flush()  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        """Return the rest."""
        return self._compressor.finish()  # type: ignore[no-any-return]


class ZstdEncoder:
    """zstd (RFC 8878) in one frame, its window within what RFC 9659 allows."""

    __slots__ = ("_compressor",)

    def __init__(self) -> None:
        self._compressor: Any = find_zstd().ZstdCompressor(level=_ZSTD_LEVEL)

    def encode(self, data: Data) -> bytes:
        """Take a piece; return what is ready, often b""."""
        return self._compressor.compress(data)  # type: ignore[no-any-return]

    def flush(self) -> bytes:
        """Return what was held back."""
        compressor = self._compressor
        return compressor.flush(compressor.FLUSH_BLOCK)  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        """Return the rest."""
        return self._compressor.flush()  # type: ignore[no-any-return]


_ENCODERS: dict[str, Callable[[int | None], Encoder]] = {
    "gzip": lambda strategy: ZlibEncoder(_GZIP, strategy),
    "deflate": lambda strategy: ZlibEncoder(_ZLIB, strategy),
    "br": lambda strategy: BrotliEncoder(),
    "zstd": lambda strategy: ZstdEncoder(),
}
#: Codings that need a module which may not be installed.
_OPTIONAL: dict[str, Callable[[], bool]] = {
    "br": lambda: find_brotli() is not None,
    "zstd": has_zstd,
}


def encodable_codings() -> tuple[str, ...]:
    """The codings that `make_encoder` knows and has the libraries for."""
    return tuple(name for name in _ENCODERS if name not in _OPTIONAL or _OPTIONAL[name]())


def make_encoder(coding: str, strategy: int | None = None) -> Encoder:
    """An encoder for `coding`; `strategy` is zlib's and means nothing to br and zstd.

    ValueError for a coding that is unknown, or whose library is not installed.
    """
    make = _ENCODERS.get(coding)
    if make is None or (coding in _OPTIONAL and not _OPTIONAL[coding]()):
        known = ", ".join(encodable_codings())
        raise ValueError(f"Content coding {coding!r} is not known, only {known}")
    return make(strategy)
