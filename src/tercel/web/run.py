"""run_app: an application as a program, from the first line printed to exit code 0.

In: an application, or what makes one, and the places to serve it at. Out: nothing, when a signal or
Ctrl+C has ended it in the documented order (web_advanced, "Graceful shutdown"). Owns the event
loop: uvloop where it is installed, another one if `loop` names it; closes it in every case.
"""

import asyncio
import builtins
import inspect
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from .accesslog import AccessLogger
from .runner import AppRunner, Runnable
from .shutdown import DEAF_TIME, GracefulExit, cancel_tasks
from .sites import BaseSite, SockSite, TCPSite, UnixSite

if TYPE_CHECKING:
    from ssl import SSLContext

    from ..abc import AbstractAccessLogger, AbstractAsyncAccessLogger

__all__ = ("end_loop", "make_loop", "resolve_app", "run_app")

access_logger = logging.getLogger("tercel.access")


def run_app(
    app: Runnable | Awaitable[Any] | Callable[[], Any],
    *,
    host: str | Iterable[str] | None = None,
    port: int | None = None,
    path: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
    sock: socket.socket | Iterable[socket.socket] | None = None,
    shutdown_timeout: float = 60.0,
    keepalive_timeout: float = 75.0,
    ssl_context: "SSLContext | None" = None,
    print: Callable[..., None] | None = print,
    backlog: int = 128,
    access_log_class: "type[AbstractAccessLogger | AbstractAsyncAccessLogger]" = AccessLogger,
    access_log_format: str = AccessLogger.LOG_FORMAT,
    access_log: logging.Logger | None = access_logger,
    handle_signals: bool = True,
    reuse_address: bool | None = None,
    reuse_port: bool | None = None,
    handler_cancellation: bool = False,
    loop: asyncio.AbstractEventLoop | None = None,
    **kwargs: Any,
) -> None:
    """Serve `app` until SIGINT or SIGTERM, then end in good order and return (web_reference).

    `app` is an Application, an awaitable of one, or a function or coroutine function that makes
    one. `host` and `port` default to all interfaces and 8080, 8443 with `ssl_context`; `host`,
    `path` (Unix sockets) and `sock` may be sequences. Times are seconds: `keepalive_timeout` 75,
    `shutdown_timeout` 60. `print` is told where the application runs; None keeps it silent.
    `access_log` None switches the access log off. `loop` is the event loop to run on and to close:
    uvloop's by default where it is installed, so `loop=asyncio.new_event_loop()` does without it.
    `kwargs` go to `AppRunner`. Raises OSError if a place can't be listened on, and what the
    application's start raises.
    """
    if loop is None:
        loop = make_loop()
    main = loop.create_task(
        _serve(
            app,
            {
                "shutdown_timeout": shutdown_timeout,
                "keepalive_timeout": keepalive_timeout,
                "access_log_class": access_log_class,
                "access_log_format": access_log_format,
                "access_log": access_log,
                "handle_signals": handle_signals,
                "handler_cancellation": handler_cancellation,
                **kwargs,
            },
            lambda runner: _make_sites(
                runner, host, port, path, sock, ssl_context, backlog, reuse_address, reuse_port
            ),
            print,
        )
    )
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main)
    except (GracefulExit, KeyboardInterrupt):
        pass
    finally:
        end_loop(loop, main, max(shutdown_timeout, 1.0))


def make_loop() -> asyncio.AbstractEventLoop:
    """uvloop's event loop where it is installed, else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def end_loop(
    loop: asyncio.AbstractEventLoop, main: "asyncio.Task[None]", limit: float = DEAF_TIME
) -> None:
    """Run the clean-up that the cancellation of `main` starts, then leave nothing behind.

    Tasks that do not heed their cancellation are left after `limit` seconds.
    """
    try:
        if not main.done():
            main.cancel()
            try:
                loop.run_until_complete(main)
            except asyncio.CancelledError:
                pass
        elif not main.cancelled():
            main.exception()  # it has been raised already
        cancel_tasks(asyncio.all_tasks(loop), loop, limit)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _serve(
    app: Any,
    settings: dict[str, Any],
    make_sites: Callable[[AppRunner], list[BaseSite]],
    print: Callable[..., None] | None,
) -> None:
    app = await resolve_app(app)
    _show_access_log(settings["access_log"], app)
    runner = AppRunner(app, **settings)
    try:
        await runner.setup()
        for site in make_sites(runner):
            await site.start()
        if print is not None:
            names = ", ".join(sorted(site.name for site in runner.sites))
            text = f"======== Running on {names} ========\n(Press CTRL+C to quit)"
            if print is builtins.print:
                print(text, flush=True)
            else:
                print(text)
        await asyncio.get_running_loop().create_future()
    finally:
        await runner.cleanup()


async def resolve_app(app: Any) -> Any:
    """The application behind an awaitable, a function or a coroutine function."""
    is_made = isinstance(app, Runnable) and not isinstance(app, type)
    if not is_made and not inspect.isawaitable(app) and callable(app):
        app = app()
    if inspect.isawaitable(app):
        app = await app
    return app


def _show_access_log(logger: logging.Logger | None, app: Any) -> None:
    """In debug mode the default access log is seen, if nobody has configured it (logging.rst)."""
    if logger is not access_logger:
        return
    if not (asyncio.get_running_loop().get_debug() or getattr(app, "_debug", None) is True):
        return
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.DEBUG)
    if not logger.hasHandlers():
        logger.addHandler(logging.StreamHandler())


def _make_sites(
    runner: AppRunner,
    host: str | Iterable[str] | None,
    port: int | None,
    path: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None,
    sock: socket.socket | Iterable[socket.socket] | None,
    ssl_context: "SSLContext | None",
    backlog: int,
    reuse_address: bool | None,
    reuse_port: bool | None,
) -> list[BaseSite]:
    sites: list[BaseSite] = []
    hosts: list[str | None] = list(_list(host, str))
    # A port alone, or nothing at all, means all interfaces.
    if host is None and (port is not None or (path is None and sock is None)):
        hosts = [None]
    for name in hosts:
        sites.append(
            TCPSite(
                runner,
                name,
                port,
                ssl_context=ssl_context,
                backlog=backlog,
                reuse_address=reuse_address,
                reuse_port=reuse_port,
            )
        )
    for place in _list(path, (str, os.PathLike)):
        sites.append(UnixSite(runner, os.fspath(place), ssl_context=ssl_context, backlog=backlog))
    for one in _list(sock, socket.socket):
        sites.append(SockSite(runner, one, ssl_context=ssl_context, backlog=backlog))
    return sites


def _list(value: Any, kind: Any) -> list[Any]:
    """One thing of a kind, several of them or None as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, kind) else list(value)
