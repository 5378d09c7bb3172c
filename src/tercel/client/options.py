"""Small facts that the rooms of the client share: timeouts, sizes, who asked for what.

In: numbers. Out: `ClientTimeout`, `RequestInfo`, `ReadOptions`, `sentinel`. Never does anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

from yarl import URL

from tercel.content.unset import Unset, sentinel
from tercel.wire.limits import DEFAULT_LIMITS, FREE_INFLATION, MAX_INFLATION, Limits

__all__ = (
    "DEFAULT_READ",
    "DEFAULT_TIMEOUT",
    "ClientTimeout",
    "ReadOptions",
    "RequestInfo",
    "Unset",
    "attributes_of",
    "sentinel",
    "timeout_of",
)


class _Attribute(NamedTuple):
    """What attrs asks of an attribute."""

    name: str
    alias: str
    init: bool = True


def attributes_of(cls: type) -> tuple[_Attribute, ...]:
    """The fields of a dataclass as attrs looks for them.

    aiohttp's timeouts are made by attrs, so people change them by `attr.evolve(timeout, total=5)`.
    """
    return tuple(_Attribute(each.name, each.name) for each in fields(cls))


@dataclass(frozen=True, slots=True)
class ClientTimeout:
    """Seconds that each part of a request may take; None or 0 is without end.

    `total`: the whole of it, the reading of the body included. `connect`: until a connection is
    there, new or from the pool. `sock_connect`: until a new connection is made. `sock_read`:
    between two portions of data. Timeouts of `ceil_threshold` seconds and more end on a full
    second (client_quickstart, "Timeouts").
    """

    total: float | None = None
    connect: float | None = None
    sock_read: float | None = None
    sock_connect: float | None = None
    ceil_threshold: float = 5

    __attrs_attrs__: ClassVar[tuple[_Attribute, ...]] = ()


ClientTimeout.__attrs_attrs__ = attributes_of(ClientTimeout)

DEFAULT_TIMEOUT = ClientTimeout(total=300, sock_connect=30)


def timeout_of(
    value: ClientTimeout | float | int | Unset | None, default: ClientTimeout
) -> ClientTimeout:
    """What a `timeout` argument means: a bare number is the total, None is no timeout at all."""
    if value is sentinel:
        return default
    if isinstance(value, ClientTimeout):
        return value
    if value is None:
        return ClientTimeout()
    if isinstance(value, (int, float)):
        return ClientTimeout(total=value)
    raise TypeError(f"timeout is {value!r}, expected ClientTimeout, a number of seconds or None")


class _RequestFacts(NamedTuple):
    url: URL
    method: str
    headers: Mapping[str, str]
    real_url: URL


class RequestInfo(_RequestFacts):
    """The request behind an answer: `url` without fragment, `real_url` as it was asked for (by
    default `url`)."""

    __slots__ = ()

    def __new__(
        cls, url: URL, method: str, headers: Mapping[str, str], real_url: URL | Unset = sentinel
    ) -> RequestInfo:
        return super().__new__(cls, url, method, headers, url if real_url is sentinel else real_url)


class ReadOptions(NamedTuple):
    """How an answer is read.

    `until_eof`: a body without length ends where the connection does. `decompress`: undo
    Content-Encoding. `bufsize`: octets held before the peer has to wait. `sock_read`: seconds, or
    None. `limits`: of its head. `free_inflation`: octets that a decoded body may always have;
    `max_inflation`: how many times larger than it came it may grow beyond them, None: any.
    """

    until_eof: bool = True
    decompress: bool = True
    bufsize: int = 2**18
    sock_read: float | None = None
    limits: Limits = DEFAULT_LIMITS
    free_inflation: int = FREE_INFLATION
    max_inflation: int | None = MAX_INFLATION


DEFAULT_READ = ReadOptions()
