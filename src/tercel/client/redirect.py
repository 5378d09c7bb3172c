"""Where a redirect leads, and what of the request goes along: decided without I/O.

In: the request's method and URL, the answer's status and Location. Out: a `Hop`, None where the
answer redirects nowhere, or the documented exception. What was meant for one origin never goes to
another (RFC 9110 section 15.4; client_advanced, "Authentication").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from multidict import CIMultiDict
from yarl import URL

from tercel.client.errors import InvalidUrlRedirectClientError, NonHttpUrlRedirectClientError

__all__ = ("REDIRECTS", "SECRET_FIELDS", "Hop", "next_hop", "same_origin", "strip_fields")

REDIRECTS = frozenset((301, 302, 303, 307, 308))

_HTTP = frozenset(("http", "https"))
_OF_BODY = (
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Transfer-Encoding",
    "Digest",
    "Last-Modified",
)
SECRET_FIELDS = ("Authorization", "Cookie", "Proxy-Authorization")


class Hop(NamedTuple):
    """The next request of a redirection.

    `drops_body`: it is sent without a body and its fields; `drops_secrets`: without credentials
    and cookies of the request before.
    """

    method: str
    url: URL
    drops_body: bool
    drops_secrets: bool


def same_origin(one: URL, other: URL) -> bool:
    """True if scheme, host and port agree, a default port written out or not."""
    return one.scheme == other.scheme and one.raw_host == other.raw_host and one.port == other.port


def next_hop(
    method: str,
    url: URL,
    status: int,
    headers: Mapping[str, str],
    *,
    requote: bool = True,
    schemes: frozenset[str] = _HTTP,
) -> Hop | None:
    """The hop that follows an answer to `method` on `url`, or None.

    Raises InvalidUrlRedirectClientError where Location is no URL or names no host, and
    NonHttpUrlRedirectClientError where its scheme is none of `schemes`.
    """
    if status not in REDIRECTS:
        return None
    location = headers.get("Location") or headers.get("URI")
    if location is None:
        return None
    target = _resolve(url, location, requote, schemes)
    drops_body = False
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method = "GET"
        drops_body = True
    return Hop(method, target, drops_body, not same_origin(target, url))


def _resolve(url: URL, location: str, requote: bool, schemes: frozenset[str]) -> URL:
    try:
        target = URL(location, encoded=not requote)
    except ValueError as error:
        raise InvalidUrlRedirectClientError(
            location, "Server attempted redirecting to a location that does not look like a URL"
        ) from error
    if not target.scheme:
        target = url.join(target)
    elif target.scheme not in schemes:
        raise NonHttpUrlRedirectClientError(location)
    try:
        target.origin()
    except ValueError as error:
        raise InvalidUrlRedirectClientError(target, "Invalid redirect URL origin") from error
    if url.raw_fragment and not target.raw_fragment:
        target = target.with_fragment(url.fragment)
    return target


def strip_fields(headers: CIMultiDict[str], hop: Hop) -> None:
    """Take out of `headers` what must not go along on this hop."""
    if hop.drops_body:
        for name in _OF_BODY:
            headers.popall(name, None)
    if hop.drops_secrets:
        for name in SECRET_FIELDS:
            headers.popall(name, None)
        headers.popall("Host", None)
