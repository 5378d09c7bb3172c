"""Content codings of answers: their names, which of them fits a request, and a body going through.

In: the head of an answer and of its request; pieces of a body. Out: the coding to use, and coded
pieces on the request's exchange, in the order in which they were given, however many tasks write.
Large pieces are encoded in an executor. Never decides whether to compress at all.
"""

import asyncio
from concurrent.futures import Executor
from enum import Enum
from typing import TYPE_CHECKING

from tercel.hdrs import ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_RANGE, ETAG, VARY
from tercel.wire.coding import choose_coding
from tercel.wire.encoders import encodable_codings, make_encoder

if TYPE_CHECKING:
    from multidict import CIMultiDict, CIMultiDictProxy

    from tercel.web.parties import AnswerSink

__all__ = (
    "PREFERRED",
    "BodyEncoder",
    "ContentCoding",
    "choose_answer_coding",
    "drop_ranges",
    "is_coded_or_partial",
    "vary_by_coding",
    "weak_tag",
)

Data = bytes | bytearray | memoryview


class ContentCoding(Enum):
    """The content codings that a response can be compressed with.

    Documented in web_reference (ContentCoding) but `br` and `zstd`, which need their libraries:
    `brotli`, and Python 3.14 or `backports.zstd`.
    """

    deflate = "deflate"
    gzip = "gzip"
    br = "br"
    zstd = "zstd"
    identity = "identity"


#: Of codings that a client likes equally, the first one that can be had is used.
PREFERRED = ("zstd", "br", "deflate", "gzip")


def vary_by_coding(headers: "CIMultiDict[str]") -> None:
    """Say that the answer depends on Accept-Encoding, for caches (RFC 9110 section 12.5.5)."""
    found = headers.getall(VARY, ())
    for line in found:
        for name in line.split(","):
            if name.strip().lower() in ("*", "accept-encoding"):
                return
    headers[VARY] = ", ".join((*found, "Accept-Encoding"))


def choose_answer_coding(
    fields: "CIMultiDictProxy[str]", offered: tuple[str, ...] | None = None
) -> str | None:
    """The coding for the request with these header fields; None for none.

    `offered` are codings, most wanted first, `PREFERRED` by default; those without a library are
    left out.
    """
    accepted = fields.getall("Accept-Encoding", ())
    if not accepted:
        return None
    usable = encodable_codings()
    coding = choose_coding(
        ",".join(accepted), tuple(name for name in offered or PREFERRED if name in usable)
    )
    return None if coding == "identity" else coding


def is_coded_or_partial(headers: "CIMultiDict[str]") -> bool:
    """True where the body is in a coding already, or is a part of something."""
    return CONTENT_ENCODING in headers or CONTENT_RANGE in headers


def weak_tag(headers: "CIMultiDict[str]") -> tuple[str, str] | None:
    """The strong ETag among `headers` and what it becomes in a coding; None without one.

    A coded answer is another representation, not equal octet for octet (RFC 9110 section 8.8.1).
    """
    tag = headers.get(ETAG)
    if tag is None or not tag.startswith('"'):
        return None
    return tag, f"W/{tag}"


def drop_ranges(headers: "CIMultiDict[str]") -> None:
    """Promise no ranges: they would be those of the body before its coding."""
    headers.pop(ACCEPT_RANGES, None)


class BodyEncoder:
    """One body on its way through a coding to an exchange.

    Pieces above `executor_size` octets are encoded in `executor`, None being the loop's own.
    """

    __slots__ = ("_encoder", "_executor", "_executor_size", "_lock")

    def __init__(
        self, coding: str, strategy: int | None, executor_size: int, executor: Executor | None
    ) -> None:
        self._encoder = make_encoder(coding, strategy)
        self._executor = executor
        self._executor_size = executor_size
        self._lock = asyncio.Lock()

    async def write(self, exchange: "AnswerSink", data: Data, flush: bool = False) -> None:
        """Pass `data` on coded; with `flush` so that the peer can read all of it."""
        async with self._lock:
            coded = await self._encode(data)
            if flush:
                coded += self._encoder.flush()
            exchange.write(coded)

    def write_now(self, exchange: "AnswerSink", data: Data) -> bool:
        """The same at once, flushed; False where another piece is under way, and nothing sent."""
        if self._lock.locked():
            return False
        exchange.write(self._encoder.encode(data) + self._encoder.flush())
        return True

    async def finish(self, data: Data) -> bytes:
        """The rest of the body, `data` being its last piece."""
        async with self._lock:
            return await self._encode(data) + self._encoder.finish()

    def finish_now(self) -> bytes | None:
        """The rest of the body at once; None where a piece is under way."""
        return None if self._lock.locked() else self._encoder.finish()

    async def _encode(self, data: Data) -> bytes:
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        if size <= self._executor_size:
            return self._encoder.encode(data) if size else b""
        loop = asyncio.get_running_loop()
        # The writer may use its buffer again once it is cancelled, while the thread still reads.
        held = data if isinstance(data, bytes) else bytes(data)
        return await loop.run_in_executor(self._executor, self._encoder.encode, held)
