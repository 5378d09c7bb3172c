"""Fields after the body, as the client sends and receives them (RFC 9110 section 6.5).

In: a request with `trailers`; the pairs that came after an answer's body. Out: a head that
announces them and frames the body in chunks, the last chunk that holds them; a read-only mapping.
ValueError for names that are forbidden there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from multidict import CIMultiDict, CIMultiDictProxy

from tercel.wire.h1.encode import LAST_CHUNK, encode_last_chunk
from tercel.wire.trailers import check_trailers
from tercel.wire.version import HttpVersion11

if TYPE_CHECKING:
    from tercel.wire.version import HttpVersion

__all__ = ("announce_trailers", "last_chunk", "read_trailers")


class Announcing(Protocol):
    """A request, as far as it matters here."""

    version: HttpVersion
    chunked: bool | None
    trailers: Mapping[str, str] | None

    @property
    def headers(self) -> CIMultiDict[str]: ...


def announce_trailers(request: Announcing) -> None:
    """Frame the request's body in chunks; name the trailers that are there already."""
    trailers = request.trailers or {}
    check_trailers(trailers)
    if request.version < HttpVersion11:
        raise ValueError("HTTP/1.0 has no chunked bodies, and so no trailers")
    headers = request.headers
    headers.popall("Content-Length", None)
    headers["Transfer-Encoding"] = "chunked"
    request.chunked = True
    if trailers:
        headers.setdefault("Trailer", ", ".join(dict.fromkeys(trailers)))


def last_chunk(trailers: Mapping[str, str] | None) -> bytes:
    """The end of a chunked body."""
    if not trailers:
        return LAST_CHUNK
    check_trailers(trailers)
    return encode_last_chunk(trailers.items())


def read_trailers(pairs: tuple[tuple[bytes, bytes], ...]) -> CIMultiDictProxy[str]:
    """The trailers of an answer; empty until its body has come."""
    return CIMultiDictProxy(
        CIMultiDict(
            (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
            for name, value in pairs
        )
    )
