"""Content codings undone: gzip, deflate, br and zstd, and the choice between them.

In: bytes of a body, piece by piece. Out: bytes; never more at a time than the caller asked for,
and never more in all than the ceiling. A coding is a row in `_DECODERS`; `encoders` has the other
way. Raises BadMessage for data that is not in its coding or passes the ceiling, TruncatedMessage
for an end that comes too early (RFC 9110 section 8.4). Holds no thread, no clock and no I/O.
"""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from tercel.wire.encoders import Encoder, make_encoder
from tercel.wire.errors import BadMessage, TruncatedMessage
from tercel.wire.libraries import find_brotli as _find_brotli
from tercel.wire.libraries import find_zlib
from tercel.wire.libraries import find_zstd as _find_zstd
from tercel.wire.libraries import has_zstd as _has_zstd

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
#: The binary logarithm of the largest zstd window: 8 MiB (RFC 9659 section 3).
_ZSTD_WINDOW = 23
#: Codings of one body: each further one only multiplies what a peer can make of few octets.
_MAX_CODINGS = 4


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


class Ceiling:
    """How large a decoded body may grow: `free` octets in any case, beyond it only while it stays
    below `ratio` times what has come (None: not even then). One for all codings of a body.
    """

    __slots__ = ("_free", "_ratio", "_taken")

    def __init__(self, free: int | None, ratio: int | None) -> None:
        self._free = free
        self._ratio = ratio
        self._taken = 0

    def take(self, size: int) -> None:
        """`size` octets of the coded body have come."""
        self._taken += size

    def check(self, given: int, coding: str) -> None:
        """BadMessage where `given` octets in all are too many."""
        free = self._free
        if free is None or given <= free:
            return
        if self._ratio is None:
            raise BadMessage(f"A {coding} body grew beyond {free} bytes when decoded", 413)
        if given > self._taken * self._ratio:
            raise BadMessage(
                f"A {coding} body grew beyond {free} bytes when decoded, and beyond "
                f"{self._ratio} times its size",
                413,
            )


class SteppedDecoder(ABC):
    """What the decoders share: data that waits, output bit by bit, the ceiling."""

    __slots__ = ("_buffer", "_ceiling", "_coding", "_given")

    def __init__(self, coding: str, ceiling: Ceiling) -> None:
        self._coding = coding
        self._ceiling = ceiling
        self._given = 0
        self._buffer = bytearray()  # not yet seen by the library

    @property
    def pending(self) -> bool:
        """True while `decode(b"", n)` would give more."""
        return bool(self._buffer) or self._holds()

    def decode(self, data: Data, max_length: int) -> bytes:
        """Take a piece; return at most `max_length` octets and keep the rest."""
        self._ceiling.take(len(data))
        return self.decode_more(data, max_length)

    def decode_more(self, data: Data, max_length: int) -> bytes:
        """`decode` of data that another decoder gave."""
        if max_length <= 0:
            raise ValueError(f"max_length must be positive, got {max_length}")
        self._buffer += data
        out: list[bytes] = []
        room = max_length
        while room > 0 and (self._buffer or self._holds()):
            piece = self._step(room)
            if piece:
                out.append(piece)
                room -= len(piece)
        done = b"".join(out)
        self._given += len(done)
        self._ceiling.check(self._given, self._coding)
        return done

    def _take_step(self) -> bytes:
        piece = bytes(self._buffer[:_STEP])
        del self._buffer[:_STEP]
        return piece

    @abstractmethod
    def _holds(self) -> bool:
        """True while there is output without more input."""

    @abstractmethod
    def _step(self, room: int) -> bytes:
        """Decode one step, into `room` octets at most."""

    @abstractmethod
    def finish(self) -> None:
        """Say that no more data comes; TruncatedMessage where some is missing."""

    def _refuse_early_end(self) -> None:
        raise TruncatedMessage(f"A {self._coding} body ended before its coding did")


class ZlibDecoder(SteppedDecoder):
    """gzip with any number of members, and deflate in the zlib format or, as some send it, raw."""

    __slots__ = ("_inner", "_started", "_tail", "_zlib")

    def __init__(self, coding: str, ceiling: Ceiling) -> None:
        super().__init__(coding, ceiling)
        self._tail = b""  # seen by zlib, but held back by max_length
        self._zlib = find_zlib()
        self._inner: Any = self._zlib.decompressobj(_GZIP) if coding == "gzip" else None
        self._started = False

    def _holds(self) -> bool:
        return bool(self._tail)

    def _step(self, room: int) -> bytes:
        piece = self._tail or self._take_step()
        inner = self._inner
        if inner is None:
            # The low four bits name the method: 8 in every zlib header, never in raw deflate
            # that browsers have met.
            inner = self._zlib.decompressobj(_ZLIB if piece[0] & 0x0F == 8 else _RAW)
            self._inner = inner
        elif inner.eof:
            return self._after_end(piece)
        self._started = True
        try:
            done: bytes = inner.decompress(piece, room)
        except self._zlib.error as error:
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
            self._inner = self._zlib.decompressobj(_GZIP)
        return b""

    def finish(self) -> None:
        """Say that no more data comes; TruncatedMessage where some is missing."""
        if self._started and not (self._inner is not None and self._inner.eof):
            self._refuse_early_end()


class BrotliDecoder(SteppedDecoder):
    """br (RFC 7932), with `brotli` or `brotlicffi`."""

    __slots__ = ("_error", "_inner", "_is_full", "_ready", "_started")

    def __init__(self, ceiling: Ceiling) -> None:
        super().__init__("br", ceiling)
        module = _find_brotli()
        self._inner: Any = module.Decompressor()
        self._error: type[Exception] = module.error
        self._ready = b""  # the library's limit is a wish: what it gave beyond it
        # Having reached its limit the library may know of more, and not say so.
        self._is_full = False
        self._started = False

    def _holds(self) -> bool:
        return bool(self._ready) or self._is_full or not self._inner.can_accept_more_data()

    def _step(self, room: int) -> bytes:
        ready = self._ready
        if not ready:
            inner = self._inner
            can_take = not self._is_full and inner.can_accept_more_data()
            piece = self._take_step() if can_take else b""
            if piece and inner.is_finished():
                raise BadMessage("A br body goes on after its end")
            self._started = True
            try:
                ready = inner.process(piece, output_buffer_limit=room)
            except self._error as error:
                raise BadMessage(f"A body is not valid br: {error}") from None
            self._is_full = len(ready) >= room
        self._ready = ready[room:]
        return ready[:room]

    def finish(self) -> None:
        """Say that no more data comes; TruncatedMessage where some is missing."""
        if self._started and not self._inner.is_finished():
            self._refuse_early_end()


class ZstdDecoder(SteppedDecoder):
    """zstd with any number of frames, their windows no larger than RFC 9659 allows."""

    __slots__ = ("_inner", "_module", "_started", "_tail")

    def __init__(self, ceiling: Ceiling) -> None:
        super().__init__("zstd", ceiling)
        self._module: Any = _find_zstd()
        self._inner: Any = self._make()
        self._tail = b""  # after the end of a frame
        self._started = False

    def _make(self) -> Any:
        window = self._module.DecompressionParameter.window_log_max
        return self._module.ZstdDecompressor(options={window: _ZSTD_WINDOW})

    def _holds(self) -> bool:
        return bool(self._tail) or (not self._inner.needs_input and not self._inner.eof)

    def _step(self, room: int) -> bytes:
        if self._inner.eof:
            self._inner = self._make()
        piece = b""
        if self._inner.needs_input:
            piece = self._tail or self._take_step()
            self._tail = b""
        self._started = True
        try:
            done: bytes = self._inner.decompress(piece, room)
        except self._module.ZstdError as error:
            raise BadMessage(f"A body is not valid zstd: {error}") from None
        if self._inner.eof:
            self._tail = self._inner.unused_data
        return done

    def finish(self) -> None:
        """Say that no more data comes; TruncatedMessage where some is missing."""
        if self._started and not self._inner.eof:
            self._refuse_early_end()


class ChainDecoder:
    """Several codings of one body, undone one after another (RFC 9110 section 8.4)."""

    __slots__ = ("_first", "_rest")

    def __init__(self, stages: list[SteppedDecoder]) -> None:
        self._first = stages[0]
        self._rest = stages[1:]

    @property
    def pending(self) -> bool:
        """True while `decode(b"", n)` would give more."""
        return self._first.pending or any(stage.pending for stage in self._rest)

    def decode(self, data: Data, max_length: int) -> bytes:
        """Take a piece; return at most `max_length` octets and keep the rest."""
        if max_length <= 0:
            raise ValueError(f"max_length must be positive, got {max_length}")
        early = self._first.decode(data, _STEP)
        out: list[bytes] = []
        room = max_length
        while room > 0:
            piece = self._pull(len(self._rest) - 1, room, early)
            early = b""
            if not piece:
                break
            out.append(piece)
            room -= len(piece)
        return b"".join(out)

    def _pull(self, index: int, room: int, early: bytes) -> bytes:
        """Something from the stage at `index`, b"" once all before it have given all."""
        if index < 0:
            while not early and self._first.pending:
                early = self._first.decode_more(b"", room)
            return early
        stage = self._rest[index]
        piece = self._pull(index - 1, _STEP, early) if early or not stage.pending else b""
        while piece or stage.pending:
            done = stage.decode_more(piece, room)
            if done:
                return done
            piece = b"" if stage.pending else self._pull(index - 1, _STEP, b"")
        return b""

    def finish(self) -> None:
        """Say that no more data comes; TruncatedMessage where some is missing."""
        self._first.finish()
        for stage in self._rest:
            stage.finish()


_DECODERS: dict[str, Callable[[Ceiling], SteppedDecoder]] = {
    "gzip": lambda ceiling: ZlibDecoder("gzip", ceiling),
    "x-gzip": lambda ceiling: ZlibDecoder("gzip", ceiling),
    "deflate": lambda ceiling: ZlibDecoder("deflate", ceiling),
    "br": BrotliDecoder,
    "zstd": ZstdDecoder,
}
#: Codings that need a module which may not be installed.
_OPTIONAL: dict[str, Callable[[], bool]] = {
    "br": lambda: _find_brotli() is not None,
    "zstd": _has_zstd,
}


def make_decoder(coding: str, ceiling: int | None = None, ratio: int | None = None) -> Decoder:
    """A decoder for `coding`, the value of a Content-Encoding field; a list is undone from its end.

    It gives at most `ceiling` octets in all (None: any number), or, with a `ratio`, that many times
    what it was given if that is more. Raises ValueError for an unknown coding, for one whose module
    is not installed, and for more than four.
    """
    found: list[Callable[[Ceiling], SteppedDecoder]] = []
    for member in reversed(coding.lower().split(",")):
        name = member.strip()
        if name in ("identity", "") and "," in coding:
            continue
        make = _DECODERS.get(name)
        if make is None or (name in _OPTIONAL and not _OPTIONAL[name]()):
            known = ", ".join(supported_codings())
            raise ValueError(f"Content coding {name!r} is not known, only {known}")
        found.append(make)
    if not 0 < len(found) <= _MAX_CODINGS:
        raise ValueError(f"{len(found)} content codings, expected 1 to {_MAX_CODINGS}")
    limit = Ceiling(ceiling, ratio)
    stages = [make(limit) for make in found]
    return stages[0] if len(stages) == 1 else ChainDecoder(stages)


def supported_codings() -> tuple[str, ...]:
    """The codings that can be decoded, for an Accept-Encoding field.

    gzip and deflate, br with `brotli` (1.2 or later), zstd with Python 3.14 or `backports.zstd`.
    """
    found = ["gzip", "deflate"]
    found += [name for name, find in _OPTIONAL.items() if find()]
    return tuple(found)


def choose_coding(accepted: str, offered: tuple[str, ...]) -> str:
    """The coding of `offered`, most wanted first, that an Accept-Encoding value likes best.

    "identity" where it likes none of them, even where it refuses that: an answer that can't be
    read beats none at all (RFC 9110 section 12.5.3). `*` stands for all that it doesn't name.
    Malformed members count for nothing.
    """
    if len(accepted) > _LONG:
        return _choose(accepted, offered)
    return _choose_cached(accepted, offered)


def _choose(accepted: str, offered: tuple[str, ...]) -> str:
    best, best_weight = "identity", 0.0
    weights: dict[str, float] = {}
    for member in accepted.split(","):
        name, _, parameters = member.partition(";")
        name = name.strip().lower()
        weights["gzip" if name == "x-gzip" else name] = _read_weight(parameters)
    others = weights.get("*", 0.0)
    for coding in offered:
        weight = weights.get(coding, others)
        if weight > best_weight and coding != "identity":
            best, best_weight = coding, weight
    if weights.get("identity", 0.0) > best_weight:
        return "identity"
    return best


#: Clients know a handful of such values; a longer one is nobody's.
_LONG = 200
_choose_cached = lru_cache(maxsize=256)(_choose)


def _read_weight(parameters: str) -> float:
    text = parameters.strip().lower()
    if not text:
        return 1.0
    name, _, value = text.partition("=")
    value = value.strip()
    if name.strip() != "q" or len(value) > 5 or not value.replace(".", "", 1).isdecimal():
        return 0.0
    return float(value) if value.isascii() and float(value) <= 1 else 0.0
