"""Workers for Gunicorn: `gunicorn module:app --worker-class tercel.GunicornWebWorker`.

In: what Gunicorn gives each process: listening sockets, settings, and an application, an AppRunner,
or a function or coroutine function that makes one (deployment, "Nginx+Gunicorn"). Out: that
application served until the process is told to stop or has answered `max_requests`, then ended in
the documented order. Gunicorn binds, forks, replaces and kills; this module does none of it.
"""

import asyncio
import contextlib
import inspect
import os
import re
import signal
import ssl
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gunicorn.config import AccessLogFormat
from gunicorn.workers.base import Worker

from .accesslog import AccessLogger
from .drain import drain
from .runner import AppRunner, Runnable
from .shutdown import cancel_tasks
from .sites import SockSite

if TYPE_CHECKING:
    from types import FrameType

__all__ = ("GunicornUVLoopWebWorker", "GunicornWebWorker")

#: Seconds between two signs of life, where Gunicorn's `timeout` does not ask for more of them.
_HEARTBEAT = 1.0
#: Seconds in which an open connection may still say what it came for.
_LAST_WORDS = 1.0
#: What part of Gunicorn's `graceful_timeout` handlers get; the rest is for `on_cleanup`.
_HANDLERS_SHARE = 0.8

_GUNICORN_ATOM = re.compile(r"%\([^)]*\)s")


class GunicornWebWorker(Worker):  # type: ignore[misc]  # Gunicorn is not typed
    """Serves in asyncio's event loop.

    SIGTERM ends it gracefully: handlers get 80 % of Gunicorn's `graceful_timeout`. SIGQUIT and
    SIGINT cancel them. `keepalive`, `backlog`, `max_requests`, `timeout`, the TLS files, `ciphers`
    and the hook `ssl_context` are Gunicorn's settings of that name. The access log is written where
    `accesslog` is set, in the format of logging.rst; ValueError for Gunicorn's own format language.
    """

    DEFAULT_AIOHTTP_LOG_FORMAT = AccessLogger.LOG_FORMAT
    DEFAULT_GUNICORN_LOG_FORMAT: str = AccessLogFormat.default

    loop: asyncio.AbstractEventLoop

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.exit_code = 0
        self._is_hurried = False
        self._woken: asyncio.Event | None = None
        self._runner: AppRunner | None = None

    def init_process(self) -> None:
        """Called in the new process: make its event loop, load the application and run."""
        self.loop = self._make_loop()
        asyncio.set_event_loop(self.loop)
        super().init_process()

    def _hear_signals(self) -> None:
        """Answer Gunicorn's signals in the event loop from now on.

        Until it runs they are answered as `Worker.init_signals` has it, even while the application
        is imported: uvloop forgets a signal that comes before it runs, and Gunicorn sends it once.
        """
        calls: dict[int, Callable[[int, FrameType | None], None]] = {
            signal.SIGQUIT: self.handle_quit,
            signal.SIGINT: self.handle_quit,
            signal.SIGTERM: self.handle_exit,
            signal.SIGUSR1: self.handle_usr1,
            signal.SIGWINCH: self.handle_winch,
        }
        for number, call in calls.items():
            self.loop.add_signal_handler(number, call, number, None)
            signal.siginterrupt(number, False)

    def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
        """SIGTERM: stop when the requests under way are answered."""
        self.alive = False
        self._wake()

    def handle_quit(self, sig: int, frame: "FrameType | None") -> None:
        """SIGQUIT, SIGINT: stop now, after `on_shutdown` and `on_cleanup`."""
        self.alive = False
        self._is_hurried = True
        self.cfg.worker_int(self)
        self._wake()

    def handle_abort(self, sig: int, frame: "FrameType | None") -> None:
        """SIGABRT: Gunicorn has heard nothing for `timeout` seconds; exit with code 1."""
        self.alive = False
        self.exit_code = 1
        self.cfg.worker_abort(self)
        sys.exit(1)

    def run(self) -> None:
        """Serve until told to stop, then exit the process. Raises what the application's start
        raises; Gunicorn reports it."""
        loop = self.loop
        # Gunicorn gives up where a worker fails before it has booted; else it tries without end.
        self.booted = False
        try:
            loop.run_until_complete(self._serve())
        except (SystemExit, KeyboardInterrupt):
            # A handler was stuck: whoever connects from now on is for the next worker.
            if self._runner is not None:
                for site in self._runner.sites:
                    site.abort()
            raise
        finally:
            try:
                cancel_tasks(asyncio.all_tasks(loop), loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                asyncio.set_event_loop(None)
                loop.close()
        sys.exit(self.exit_code)

    def _make_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    def _wake(self) -> None:
        if self._woken is not None:
            self._woken.set()

    async def _serve(self) -> None:
        self._woken = asyncio.Event()
        self._hear_signals()
        if not self.alive:
            return
        # A start that takes long is no stuck worker while the loop turns.
        beat = asyncio.create_task(self._beat())
        try:
            runner = self._runner = await self._make_runner()
            try:
                await runner.setup()
                await self._listen(runner)
                self.booted = True
                await self._wait_for_end(runner)
                await self._close_doors(runner)
            finally:
                runner._shutdown_timeout = self._handlers_time()
                # Gunicorn bounds the end that it asked for; the end after max_requests is bounded
                # by the missing signs of life.
                self.loop.call_later(self.cfg.graceful_timeout, beat.cancel)
                await runner.cleanup()
        finally:
            beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beat

    async def _beat(self) -> None:
        """Tell Gunicorn again and again that this process is not stuck."""
        # Worker.timeout is half of the setting.
        pause = min(_HEARTBEAT, self.timeout / 2) if self.timeout else _HEARTBEAT
        while True:
            self.notify()
            await asyncio.sleep(pause)

    async def _make_runner(self) -> AppRunner:
        """The runner of what Gunicorn has loaded."""
        made = self.wsgi
        is_made = isinstance(made, Runnable | AppRunner) and not isinstance(made, type)
        if not is_made and callable(made):
            made = made()
        if inspect.isawaitable(made):
            made = await made
        if isinstance(made, AppRunner):
            return made
        if not isinstance(made, Runnable):
            raise TypeError(
                "Gunicorn's application is to be a web.Application, a web.AppRunner or a function "
                f"that makes one, not {made!r}"
            )
        settings: dict[str, Any] = {"access_log": None}
        if self.cfg.accesslog:
            settings["access_log"] = self.log.access_log
            settings["access_log_format"] = self._get_valid_log_format(self.cfg.access_log_format)
        return AppRunner(
            made,
            logger=self.log.error_log,
            keepalive_timeout=float(self.cfg.keepalive),
            **settings,
        )

    async def _listen(self, runner: AppRunner) -> None:
        context = _make_ssl_context(self.cfg) if self.cfg.is_ssl else None
        for wrapped in self.sockets:
            sock = getattr(wrapped, "sock", wrapped)
            site = SockSite(runner, sock, ssl_context=context, backlog=self.cfg.backlog)
            await site.start()

    async def _wait_for_end(self, runner: AppRunner) -> None:
        """Until a signal, the end of Gunicorn itself, or `max_requests`."""
        woken = self._woken
        server = runner.server
        assert woken is not None
        assert server is not None
        pause = min(_HEARTBEAT, self.timeout / 2) if self.timeout else _HEARTBEAT
        while self.alive:
            self.nr = server.requests_count
            if self.nr >= self.max_requests:
                self.alive = False
                self.log.info("Max requests, shutting down: %s", self)
            elif self.ppid != os.getppid():
                self.alive = False
                self.log.info("Parent changed, shutting down: %s", self)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await woken.wait()

    async def _close_doors(self, runner: AppRunner) -> None:
        """Accept no more, and hear those who have just come in or are about to ask again."""
        for site in runner.sites:
            await site.stop()
        await drain(
            runner.server, first=_LAST_WORDS, idle=_LAST_WORDS, is_hurried=lambda: self._is_hurried
        )

    def _handlers_time(self) -> float:
        if self._is_hurried:
            return 0.0
        return float(self.cfg.graceful_timeout * _HANDLERS_SHARE)

    def _get_valid_log_format(self, source_format: str) -> str:
        """The format for the access log: ours where nobody chose one (logging.rst)."""
        if source_format == self.DEFAULT_GUNICORN_LOG_FORMAT:
            return self.DEFAULT_AIOHTTP_LOG_FORMAT
        found = _GUNICORN_ATOM.search(source_format)
        if found is not None:
            raise ValueError(
                f"Gunicorn's access_log_format holds {found[0]!r}; with this worker it is written "
                f"in Tercel's format, such as {self.DEFAULT_AIOHTTP_LOG_FORMAT!r}"
            )
        return source_format


class GunicornUVLoopWebWorker(GunicornWebWorker):
    """The same in uvloop's event loop, which has to be installed."""

    def init_process(self) -> None:
        """As in `GunicornWebWorker`."""
        super().init_process()

    def _make_loop(self) -> asyncio.AbstractEventLoop:
        import uvloop

        return uvloop.new_event_loop()


def _make_ssl_context(cfg: Any) -> ssl.SSLContext:
    """What Gunicorn's TLS settings say; its hook `ssl_context` has the last word."""

    def make() -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=cfg.ca_certs)
        context.load_cert_chain(cfg.certfile, cfg.keyfile)
        context.verify_mode = ssl.VerifyMode(cfg.cert_reqs)
        # Deprecated in Gunicorn, but who insists on one version gets it.
        version = _VERSIONS.get(cfg.ssl_version)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if cfg.ciphers:
            context.set_ciphers(cfg.ciphers)
        return context

    hook = getattr(cfg, "ssl_context", None)
    return make() if hook is None else hook(cfg, make)


_VERSIONS: dict[Any, ssl.TLSVersion] = {
    "TLSv1_2": ssl.TLSVersion.TLSv1_2,
    ssl.PROTOCOL_TLSv1_2: ssl.TLSVersion.TLSv1_2,
}
