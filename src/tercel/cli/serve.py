"""One process that serves: the only one, or a worker that a supervisor has started.

In: settings and listening sockets; a worker also has a link, on which it tells that it is ready or
why it can't be, and hears when to leave. Out: an exit code, after an end in the documented order
(web_advanced, "Graceful shutdown"). A second signal cancels what is under way. A worker whose
supervisor is gone stops as well.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import ssl
import sys
from typing import Any

from tercel.abc import AbstractAccessLogger
from tercel.cli.certificates import make_context
from tercel.cli.logs import set_up_logs
from tercel.cli.mistakes import Mistake, print_failure, sentence_of
from tercel.cli.settings import Settings
from tercel.cli.systemd import notify
from tercel.cli.target import check_application, check_target, find_target
from tercel.ext.jsonlog import JSONAccessLogger
from tercel.web.accesslog import AccessLogger
from tercel.web.drain import drain
from tercel.web.run import end_loop, make_loop, resolve_app
from tercel.web.runner import AppRunner
from tercel.web.sites import SockSite

__all__ = ("VARIABLE", "Serving", "announce", "main", "serve")

#: How the environment tells a worker what to do.
VARIABLE = "TERCEL_WORKER"
_LOG = logging.getLogger("tercel.server")
#: Seconds that idle connections get for one more request: at a replacement, and at the end.
_LEAVING = 2.0
_ENDING = 0.2


def serve(settings: Settings, sockets: list[socket.socket], link: socket.socket | None) -> None:
    """Serve until told to stop. Raises Mistake, or what the application's start raises."""
    context = make_context(settings)
    target = find_target(settings.app, settings.app_dir)
    loop = _make_loop(settings.loop)
    loop.set_debug(settings.debug)
    serving = Serving(settings, sockets, link, context)
    asyncio.set_event_loop(loop)
    task = loop.create_task(serving.run(target))
    serving.task = task
    try:
        loop.run_until_complete(task)
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    finally:
        end_loop(loop, task)


def announce(settings: Settings, names: list[str]) -> None:
    """Tell where the application is: the person at the terminal, as `run_app` does, or the log
    where it is JSON.
    """
    places = ", ".join(sorted(names))
    if settings.log_format == "json":
        _LOG.info("Running on %s", places)
        return
    sys.stdout.write(f"======== Running on {places} ========\n(Press CTRL+C to quit)\n")
    sys.stdout.flush()


class Serving:
    """The life of one process: start, serve, hear, stop."""

    def __init__(
        self,
        settings: Settings,
        sockets: list[socket.socket],
        link: socket.socket | None,
        context: ssl.SSLContext | None,
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._link = link
        self._context = context
        self._told = asyncio.Event()
        self._is_replaced = False
        self._is_hurried = False
        self._is_serving = False
        self._runner: AppRunner | None = None
        self.task: asyncio.Task[None] | None = None

    async def run(self, target: Any) -> None:
        """Make the application of `target`, serve it, and end in good order."""
        self._listen_to_signals()
        settings = self._settings
        app = check_application(await resolve_app(check_target(target, settings.app)), settings.app)
        self._runner = runner = self._make_runner(app)
        try:
            await runner.setup()
            for sock in self._sockets:
                site = SockSite(runner, sock, ssl_context=self._context, backlog=settings.backlog)
                await site.start()
            self._is_serving = True
            self._tell({"ready": True})
            if self._link is None:
                announce(settings, [site.name for site in runner.sites])
                notify("READY=1")
            await self._told.wait()
            if self._link is None:
                notify("STOPPING=1")
            for each in runner.sites:
                await each.stop()
            await drain(
                runner.server,
                idle=_LEAVING if self._is_replaced and not settings.reload else _ENDING,
                is_hurried=lambda: self._is_hurried,
            )
        finally:
            await runner.cleanup()

    def _make_runner(self, app: Any) -> AppRunner:
        settings = self._settings
        is_json = settings.log_format == "json" and settings.access_log_format is None
        kind: type[AbstractAccessLogger] = JSONAccessLogger if is_json else AccessLogger
        return AppRunner(
            app,
            shutdown_timeout=settings.shutdown_timeout,
            keepalive_timeout=settings.keepalive_timeout,
            access_log=logging.getLogger("tercel.access") if settings.access_log else None,
            access_log_class=kind,
            access_log_format=settings.access_log_format or AccessLogger.LOG_FORMAT,
            debug=settings.debug,
        )

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._stop)
        except NotImplementedError:
            _LOG.debug("this event loop takes no signals")
        if self._link is not None:
            self._link.setblocking(False)
            loop.add_reader(self._link, self._hear)

    def _hear(self) -> None:
        assert self._link is not None
        try:
            word = self._link.recv(64)
        except BlockingIOError:
            return
        except OSError:
            word = b""
        if b"leave" in word:
            self._is_replaced = True
        else:
            asyncio.get_running_loop().remove_reader(self._link)
        if not self._told.is_set():
            self._stop()

    def _stop(self) -> None:
        """The first time in good order, the second time at once."""
        if not self._is_serving:
            # The application is still starting: it is told by cancellation, and cleaned up.
            if self.task is not None:
                self.task.cancel()
        elif not self._told.is_set():
            self._told.set()
        elif self._runner is not None and self._runner.server is not None:
            self._is_hurried = True
            self._runner.server.cancel_handlers()

    def _tell(self, message: dict[str, Any]) -> None:
        _tell(self._link, message)


def _tell(link: socket.socket | None, message: dict[str, Any]) -> None:
    if link is None:
        return
    try:
        link.send(json.dumps(message).encode() + b"\n")
    except OSError:
        return


def _make_loop(name: str) -> asyncio.AbstractEventLoop:
    if name == "asyncio":
        return asyncio.new_event_loop()
    if name == "uvloop":
        try:
            import uvloop
        except ImportError as error:
            raise Mistake("--loop uvloop needs uvloop: pip install uvloop") from error
        return uvloop.new_event_loop()
    return make_loop()


def main() -> int:
    """What a worker runs: `TERCEL_WORKER` holds its settings and the numbers of descriptors."""
    told = json.loads(os.environ.pop(VARIABLE))
    settings = Settings.from_json(told["settings"])
    link = socket.socket(fileno=told["link"])
    sockets = [socket.socket(fileno=number) for number in told["fds"]]
    for number in (told["link"], *told["fds"]):
        os.set_inheritable(number, False)
    set_up_logs(settings)
    try:
        serve(settings, sockets, link)
    except Mistake as error:
        _tell(link, {"failed": error.message})
        return 2
    except Exception as error:
        print_failure(error)
        _tell(link, {"failed": f"{type(error).__name__}: {sentence_of(error)}"})
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
