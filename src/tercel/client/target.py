"""Where a request goes: a URL read once, with what every request to it needs at hand.

In: a str or URL as the caller gave it. Out: a `Target`, from a bounded cache; the documented
exceptions for what can't be asked for. Never resolves a name.
"""

from __future__ import annotations

from yarl import URL

from tercel.client.errors import InvalidUrlClientError, NonHttpUrlClientError
from tercel.client.pool import ConnectionKey

__all__ = ("HTTP_SCHEMES", "WS_SCHEMES", "Target", "Targets")

HTTP_SCHEMES = frozenset(("http", "https", ""))
WS_SCHEMES = frozenset(("ws", "wss"))
_SECURE = frozenset(("https", "wss"))
#: Targets kept: enough for a program's usual places, little enough for one that crawls.
_MAX_TARGETS = 512


class Target:
    """A URL and its parts.

    `original` is the URL as asked for, without credentials; `url` is that without fragment;
    `login` and `password` are those of the URL or None; `host_field` is the value of Host, `path`
    the origin form of the request target (RFC 9112 section 3.2.1), `key` the pool's, once it was
    asked for.
    """

    __slots__ = (
        "heads",
        "host",
        "host_field",
        "is_ssl",
        "key",
        "login",
        "original",
        "password",
        "path",
        "port",
        "starts",
        "url",
    )

    def __init__(self, url: URL, schemes: frozenset[str] = HTTP_SCHEMES | WS_SCHEMES) -> None:
        if url.scheme not in schemes:
            raise NonHttpUrlClientError(url)
        host = url.raw_host
        if not host:
            raise InvalidUrlClientError(url)
        if url.port is None and url.scheme == "tcp":
            raise InvalidUrlClientError(url, "has no port, and its scheme implies none")
        self.login = url.user
        self.password = url.password
        if url.raw_user or url.raw_password:
            url = url.with_user(None)
        self.original = url
        self.url = url.with_fragment(None) if url.raw_fragment else url
        self.host = host
        self.port = url.port
        self.is_ssl = url.scheme in _SECURE
        self.host_field = url.host_port_subcomponent or host
        self.path = url.raw_path_qs
        self.key: ConnectionKey | None = None
        self.heads: dict[str, tuple[bytes | None, bytes]] = {}
        self.starts: dict[str, bytes] = {}

    def find_key(self) -> ConnectionKey:
        """The pool's key for requests that ask for nothing of their own."""
        if self.key is None:
            self.key = ConnectionKey(self.host, self.port, self.is_ssl)
        return self.key


class Targets:
    """The targets of one session, found by what the caller gave."""

    __slots__ = ("_found", "_schemes")

    def __init__(self, schemes: frozenset[str] = HTTP_SCHEMES | WS_SCHEMES) -> None:
        self._schemes = schemes
        self._found: dict[str | URL, Target] = {}

    def find(self, url: str | URL) -> Target:
        """The target of an absolute URL; InvalidUrlClientError or NonHttpUrlClientError."""
        target = self._found.get(url)
        if target is None:
            target = Target(read_url(url), self._schemes)
            if len(self._found) >= _MAX_TARGETS:
                self._found.clear()
            self._found[url] = target
        return target


def read_url(url: str | URL) -> URL:
    """`url` as a URL; InvalidUrlClientError where it is none."""
    if isinstance(url, URL):
        return url
    try:
        return URL(url)
    except ValueError as error:
        raise InvalidUrlClientError(url) from error
