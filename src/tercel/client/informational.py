"""Interim answers: what a server tells before the answer proper (RFC 9110 section 15.2, RFC 8297).

In: heads of 1xx as they come. Out: `InformationalResponse`s, for the callback of the request, at
once, and for the answer. 100 and 101 are not among them: they belong to the protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from multidict import CIMultiDictProxy, MultiDictProxy
from yarl import URL

from tercel.client.links import read_links

__all__ = ("InformationalResponse", "tell_informational")


class InformationalResponse(NamedTuple):
    """One interim answer, such as 103 Early Hints.

    `status`, `reason`, `headers` are those of its head; `url` is the URL of the request.
    """

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    url: URL

    @property
    def links(self) -> MultiDictProxy[MultiDictProxy[str | URL]]:
        """The Link fields, as `ClientResponse.links` gives them: what is worth fetching early."""
        return read_links(self.headers, self.url)


class Listening(Protocol):
    """A request, as far as it matters here."""

    url: URL
    on_informational: Callable[[InformationalResponse], object] | None


def tell_informational(request: Listening, head: Any) -> None:
    """Call the request's callback."""
    if request.on_informational is not None:
        told = InformationalResponse(head.status, head.reason, head.headers, request.url)
        request.on_informational(told)
