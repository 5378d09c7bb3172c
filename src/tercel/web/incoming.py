"""What every request holds, and the few things that every handler reads.

In: a head, a body reader, a connection and an exchange. Out: attributes, the rest of `web.Request`
is built on them in `request.py`, which is interpreted because it has coroutines. Nothing is parsed
before it is asked for.
"""

import asyncio
from typing import Any

from multidict import CIMultiDictProxy
from yarl import URL

from tercel.wire.h1.head import RequestHead
from tercel.wire.version import HttpVersion

__all__ = ("Incoming",)

_build_url = URL.build


class Incoming:
    """The storage of a request and its hot properties."""

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_body",
        "_client_max_fields",
        "_client_max_size",
        "_cookies",
        "_exchange",
        "_form",
        "_has_prepare_hook",
        "_head",
        "_host",
        "_loop",
        "_match",
        "_match_info",
        "_payload",
        "_protocol",
        "_rel_url",
        "_remote",
        "_scheme",
        "_state",
        "_task",
        "_url",
    )

    def __init__(
        self,
        message: RequestHead,
        payload: Any,
        protocol: Any,
        payload_writer: Any,
        task: "asyncio.Task[Any] | None",
        loop: asyncio.AbstractEventLoop,
        *,
        client_max_size: int = 1048576,
        client_max_fields: int = 1000,
        state: dict[Any, Any] | None = None,
        scheme: str | None = None,
        host: str | None = None,
        remote: str | None = None,
    ) -> None:
        self._head = message
        self._payload = payload
        self._protocol = protocol
        self._exchange = payload_writer
        self._task = task
        self._loop = loop
        self._client_max_size = client_max_size
        self._client_max_fields = client_max_fields
        self._state = state
        self._scheme = scheme
        self._host = host
        self._remote = remote
        self._match: Any = None
        self._match_info: Any = None
        self._has_prepare_hook = False
        self._body: bytes | None = None
        self._cookies: Any = None
        self._form: Any = None
        self._rel_url: URL | None = None
        self._url: URL | None = None

    @property
    def method(self) -> str:
        """The method, such as "GET"."""
        return self._head.method

    @property
    def version(self) -> HttpVersion:
        """The HTTP version of the request."""
        return self._head.version

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The fields as a case-insensitive, read-only multi-dictionary."""
        return self._head.headers

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The fields as they came: pairs of bytes."""
        return self._head.raw_headers

    @property
    def raw_path(self) -> str:
        """The request target as it came."""
        return self._head.target

    @property
    def match_info(self) -> Any:
        """What the router found (web_reference, UrlMappingMatchInfo); None before it was asked."""
        found = self._match_info
        if found is None and self._match is not None:
            found = self._match.info()
            self._match_info = found
        return found

    @property
    def rel_url(self) -> URL:
        """Path and query as a `yarl.URL` without host."""
        url = self._rel_url
        if url is None:
            head = self._head
            if head.query:
                url = _build_url(path=head.path, query_string=head.query, encoded=True)
            else:
                url = _build_url(path=head.path, encoded=True)
            self._rel_url = url
        return url
