"""Requests and coroutines that are not real, for tests of a handler by itself.

In: method, path, fields. Out: a `web.Request` whose connection is a mock (testing.rst, "Faking
request object"). A real client and server on this machine are the better test wherever they will
do.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from unittest import mock

from multidict import CIMultiDict

from tercel.net.streams import EMPTY_PAYLOAD
from tercel.web import Application, Request, UrlMappingMatchInfo
from tercel.wire.h1.encode import encode_fields
from tercel.wire.h1.head import RequestHead
from tercel.wire.version import HttpVersion, HttpVersion11

__all__ = (
    "loop_context",
    "make_mocked_coro",
    "make_mocked_request",
    "setup_test_loop",
    "teardown_test_loop",
)

_UNSET: Any = object()


def make_mocked_coro(return_value: Any = _UNSET, raise_exception: Any = _UNSET) -> Any:
    """A mock whose calls are coroutines that return the one or raise the other."""

    async def answer(*args: Any, **kwargs: Any) -> Any:
        if raise_exception is not _UNSET:
            raise raise_exception
        return None if return_value is _UNSET else return_value

    return mock.Mock(wraps=answer)


def _make_head(
    method: str, path: str, headers: CIMultiDict[str], version: HttpVersion, closing: bool
) -> RequestHead:
    head = RequestHead()
    head.method = method.upper()
    head.target = path
    head.path, _, head.query = path.partition("?")
    head.version = version
    head.keep_alive = not closing and version >= HttpVersion11
    head.chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    if "Content-Length" in headers:
        head.content_length = int(headers["Content-Length"])
    head._block = encode_fields((str(name), value) for name, value in headers.items())
    return head


def _make_transport(sslcontext: Any) -> Any:
    facts = {"sslcontext": sslcontext, "sockname": ("127.0.0.1", 80)}
    transport = mock.Mock()
    transport.get_extra_info = lambda name, default=None: facts.get(name, default)
    transport.is_closing.return_value = False
    return transport


def _make_writer(transport: Any, head: RequestHead) -> Any:
    """A mock that an answer can be prepared on, written to and ended."""
    writer = mock.Mock()
    writer.transport = transport
    writer.drain = make_mocked_coro()
    writer.version = head.version
    writer.keep_alive = head.keep_alive
    writer.closed = writer.head_sent = writer.must_drain = False
    writer.write_piece.return_value = False
    return writer


def make_mocked_request(
    method: str,
    path: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    *,
    match_info: Any = _UNSET,
    version: HttpVersion = HttpVersion11,
    closing: bool = False,
    app: Application | None = None,
    reader: Any = _UNSET,
    writer: Any = _UNSET,
    protocol: Any = _UNSET,
    transport: Any = _UNSET,
    payload: Any = EMPTY_PAYLOAD,
    sslcontext: Any = None,
    client_max_size: int = 1024**2,
    client_max_fields: int = 1000,
    loop: Any = ...,
) -> Request:
    """A request as a handler gets it; whatever of its surroundings isn't given is a mock.

    `match_info`: a mapping of the values in the path; `closing`: the client wants no keep-alive;
    `payload`: the body's StreamReader; `writer`: what the answer is written to, by default a mock
    on which a response can be prepared and ended. `reader` is accepted and has no effect.
    """
    if loop is ...:
        loop = mock.Mock()
        loop.create_future.return_value = ()
    if transport is _UNSET:
        transport = _make_transport(sslcontext)
    if protocol is _UNSET:
        protocol = mock.Mock()
        protocol.transport = transport
    fields: CIMultiDict[str] = CIMultiDict(headers or {})
    head = _make_head(method, path, fields, version, closing)
    if writer is _UNSET:
        writer = _make_writer(transport, head)
    request = Request(
        head,
        payload,
        protocol,
        writer,
        mock.Mock(),
        loop,
        client_max_size=client_max_size,
        client_max_fields=client_max_fields,
    )
    if app is None:
        app = Application()
    match = UrlMappingMatchInfo({} if match_info is _UNSET else dict(match_info), mock.Mock())
    match.add_app(app)
    match.current_app = app
    request._match_info = match
    request._has_prepare_hook = isinstance(app, Application) and bool(app.on_response_prepare)
    return request


def setup_test_loop(
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> asyncio.AbstractEventLoop:
    """A new event loop, made the thread's own; `teardown_test_loop` ends it."""
    loop = loop_factory()
    asyncio.set_event_loop(loop)
    return loop


def teardown_test_loop(loop: asyncio.AbstractEventLoop, fast: bool = False) -> None:
    """Close a loop of `setup_test_loop`; unless `fast`, collect what it left behind."""
    if not loop.is_closed():
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    if not fast:
        import gc

        gc.collect()
    asyncio.set_event_loop(None)


@contextlib.contextmanager
def loop_context(
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    fast: bool = False,
) -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop for as long as the block lasts."""
    loop = setup_test_loop(loop_factory)
    try:
        yield loop
    finally:
        teardown_test_loop(loop, fast=fast)
