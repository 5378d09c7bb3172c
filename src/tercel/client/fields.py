"""Fields that a session gives to each of its requests, and how they become octets.

In: the session's own fields, names not to generate. Out: a mapping for a request that has fields
of its own, encoded lines for one that has not, kept by host until the session's fields change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from multidict import CIMultiDict, istr

from tercel._version import __version__
from tercel.client.redirect import SECRET_FIELDS
from tercel.wire.coding import supported_codings
from tercel.wire.h1.encode import encode_fields, encode_request_head

__all__ = ("HOST", "DefaultFields", "cookie_field", "join_head")

USER_AGENT = f"Python/{sys.version_info[0]}.{sys.version_info[1]} tercel/{__version__}"
HOST = istr("Host")
_OF_BODY = ("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect")


class DefaultFields:
    """The fields that a session adds to each request, encoded once for each host.

    `headers` are the session's own and may change; `skip` names those not to be generated.
    """

    def __init__(self, headers: CIMultiDict[str] | None = None, skip: Iterable[str] = ()) -> None:
        self.headers: CIMultiDict[str] = CIMultiDict() if headers is None else headers
        self.skip = frozenset(istr(name) for name in skip)
        self.skipped = frozenset(name.lower() for name in self.skip)
        self.auto: list[tuple[str, str]] = [
            (name, value)
            for name, value in (
                (istr("Accept"), "*/*"),
                (istr("Accept-Encoding"), ", ".join(supported_codings())),
                (istr("User-Agent"), USER_AGENT),
            )
            if name.lower() not in self.skipped
        ]
        self._seen: tuple[tuple[str, str], ...] = ()
        self._encoded: dict[str | tuple[str, ...], bytes] = {}
        self._auto_names = frozenset(name.lower() for name, _ in self.auto)

    def has(self, name: str) -> bool:
        """True if requests get the field `name` (in lower case) from here."""
        return name in self._auto_names or name in self.headers

    def has_any_of_body(self) -> bool:
        """True if the session's own fields say something about bodies."""
        headers = self.headers
        return bool(headers) and any(name in headers for name in _OF_BODY)

    def merge(self, headers: Any) -> CIMultiDict[str]:
        """The session's own fields, replaced and followed by those of a call."""
        merged = self.headers.copy()
        given: CIMultiDict[str] = CIMultiDict(headers or ())
        for name in set(given):
            merged.popall(name, None)
        merged.extend(given)
        return merged

    def build(self, host: str, given: CIMultiDict[str]) -> CIMultiDict[str]:
        """Host, `given`, and what is generated for lack of it."""
        headers: CIMultiDict[str] = CIMultiDict()
        headers[HOST] = given.pop(HOST, host)
        headers.extend(given)
        for name, value in self.auto:
            if name not in headers:
                headers[name] = value
        return headers

    def without_secrets(self) -> DefaultFields:
        """The same without credentials, cookies and Host, for requests to another origin."""
        headers = self.headers.copy()
        for name in (*SECRET_FIELDS, HOST):
            headers.popall(name, None)
        return DefaultFields(headers, self.skip)

    def encoded(self, host: str, without: tuple[str, ...] = ()) -> bytes:
        """The field lines of a request; those named in `without`, in lower case, are left out."""
        now = tuple(self.headers.items()) if self.headers else ()
        if now != self._seen or len(self._encoded) > 256:
            self._encoded.clear()
            self._seen = now
        key = (host, *without) if without else host
        found = self._encoded.get(key)
        if found is None:
            pairs = self.build(host, self.headers.copy()).items()
            found = encode_fields(pair for pair in pairs if pair[0].lower() not in without)
            self._encoded[key] = found
        return found


def cookie_field(cookies: Mapping[str, Any], earlier: str = "") -> str:
    """The value of Cookie: `earlier` pairs, replaced and followed by `cookies` (str or Morsel)."""
    pairs: dict[str, str] = {}
    for pair in earlier.split(";"):
        name, found, value = pair.strip().partition("=")
        if found:
            pairs[name] = value
    for name, cookie in cookies.items():
        pairs[name] = cookie.coded_value if hasattr(cookie, "coded_value") else str(cookie)
    return "; ".join(f"{name}={value}" for name, value in pairs.items())


def join_head(method: str, target: str, fields: bytes, more: Iterable[tuple[str, str]]) -> bytes:
    """A head of field lines that are encoded already, and more fields."""
    head = encode_request_head(method, target, more)
    cut = head.index(b"\r\n") + 2
    return head[:cut] + fields + head[cut:]
