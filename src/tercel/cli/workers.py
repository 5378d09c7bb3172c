"""Worker processes: what `cli.supervisor` decides, done.

In: settings and listening sockets, which every worker inherits and this process keeps open, so that
a connection that nobody has accepted yet waits for the next worker. Signals: SIGTERM and SIGINT end
all in good order (the second one at once), SIGHUP replaces all, SIGTTIN and SIGTTOU are one more
and one less, SIGUSR1 and SIGUSR2 are passed on. Out: an exit code.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterable
from contextlib import suppress

from tercel.cli.mistakes import Mistake
from tercel.cli.serve import VARIABLE, announce
from tercel.cli.settings import Settings
from tercel.cli.sockets import describe
from tercel.cli.supervisor import Action, Kill, Leave, Say, Start, Stop, Supervisor
from tercel.cli.systemd import notify

__all__ = ("Workers",)

_LOG = logging.getLogger("tercel.workers")
#: Seconds beyond the shutdown timeout, twice of which handlers may take, before a worker is killed.
_GRACE = 10.0


class _Process:
    """A worker's process and its link."""

    def __init__(self, process: "subprocess.Popen[bytes]", link: socket.socket) -> None:
        self.process = process
        self.link = link
        self.heard = b""
        self.failure = ""

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class Workers:
    """Runs `settings.workers` processes until they are told to end.

    `changes` gives an item each time that the code has changed and all are to be replaced.
    """

    def __init__(
        self,
        settings: Settings,
        sockets: list[socket.socket],
        changes: AsyncIterable[object] | None = None,
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._changes = changes
        self._processes: dict[int, _Process] = {}
        self._supervisor = Supervisor(
            settings.workers,
            patience=2 * settings.shutdown_timeout + _GRACE,
            waits_for_change=changes is not None,
        )
        self._has_told = False
        self._timer: asyncio.TimerHandle | None = None
        self._done = asyncio.Event()

    async def run(self) -> int:
        """Supervise; the exit code. Mistake where the application could not be started."""
        loop = asyncio.get_running_loop()
        self._add_signals(loop)
        watching = None
        if self._changes is not None:
            watching = loop.create_task(self._watch(self._changes))
        try:
            self._act()
            await self._done.wait()
        finally:
            if watching is not None:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
            if self._timer is not None:
                self._timer.cancel()
            for worker in self._processes.values():
                worker.send(signal.SIGKILL)
                worker.process.wait()
                worker.link.close()
        supervisor = self._supervisor
        if supervisor.exit_code == 2 and supervisor.failure:
            raise Mistake(supervisor.failure)
        return supervisor.exit_code

    def _add_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_replace)
        loop.add_signal_handler(signal.SIGTTIN, self._on_number, 1)
        loop.add_signal_handler(signal.SIGTTOU, self._on_number, -1)
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            loop.add_signal_handler(number, self._pass_on, number)

    def _on_stop(self) -> None:
        if self._supervisor.is_stopping:
            for worker in self._processes.values():
                worker.send(signal.SIGKILL)
        else:
            notify("STOPPING=1")
            self._supervisor.stop()
            self._act()

    def _on_replace(self) -> None:
        _LOG.info("replacing all workers")
        self._supervisor.replace()
        self._act()

    def _on_number(self, by: int) -> None:
        self._supervisor.change_number(by)
        _LOG.info("%d workers are wanted", self._supervisor.wanted)
        self._act()

    def _pass_on(self, number: int) -> None:
        for worker in self._processes.values():
            worker.send(number)

    async def _watch(self, changes: AsyncIterable[object]) -> None:
        async for change in changes:
            _LOG.info("%s changed", change)
            self._supervisor.replace()
            self._act()

    def _act(self, actions: list[Action] | None = None) -> None:
        """Do `actions`, then all that is to be done now, and come back when it is time."""
        loop = asyncio.get_running_loop()
        todo = list(actions or ())
        todo += self._supervisor.decide(loop.time())
        for action in todo:
            self._do(action)
        if self._supervisor.is_done:
            self._done.set()
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._supervisor.next_time()
        if due is not None:
            self._timer = loop.call_at(due, self._act)

    def _do(self, action: Action) -> None:
        if isinstance(action, Say):
            _LOG.log(logging.ERROR if action.is_error else logging.INFO, "%s", action.text)
        elif isinstance(action, Start):
            self._start(action.number)
        elif isinstance(action, Leave):
            with suppress(OSError):
                self._processes[action.number].link.send(b"leave\n")
        elif isinstance(action, Stop):
            self._processes[action.number].send(signal.SIGTERM)
        elif isinstance(action, Kill):
            _LOG.error("worker %d does not end: it is killed", action.number)
            self._processes[action.number].send(signal.SIGKILL)

    def _start(self, number: int) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        fds = [sock.fileno() for sock in self._sockets]
        told = {"settings": self._settings.to_json(), "fds": fds, "link": theirs.fileno()}
        # Ctrl+C reaches the supervisor alone, which ends the others in order; where the code is
        # being worked on, a debugger in the worker needs the terminal.
        group = None if self._settings.reload else 0
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "tercel.cli.serve"],
                pass_fds=[*fds, theirs.fileno()],
                env={**os.environ, VARIABLE: json.dumps(told)},
                process_group=group,
            )
        finally:
            theirs.close()
        worker = _Process(process, ours)
        self._processes[number] = worker
        asyncio.get_running_loop().add_reader(ours, self._hear, number, worker)

    def _hear(self, number: int, worker: _Process) -> None:
        """A line of a worker, or its end: the link closes with the process."""
        loop = asyncio.get_running_loop()
        try:
            data = worker.link.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(worker.link)
            self._reap(number, worker)
            return
        worker.heard += data
        *lines, worker.heard = worker.heard.split(b"\n")
        for line in lines:
            message = json.loads(line)
            worker.failure = message.get("failed", "")
            if message.get("ready"):
                actions = self._supervisor.ready(number)
                self._announce()
                self._act(actions)

    def _reap(self, number: int, worker: _Process) -> None:
        """The link is closed, so the process is ending, if it has not ended already."""
        loop = asyncio.get_running_loop()
        code = worker.process.poll()
        if code is None:
            loop.call_later(0.01, self._reap, number, worker)
            return
        worker.link.close()
        del self._processes[number]
        _forget_figures(worker.process.pid)
        self._act(self._supervisor.ended(number, loop.time(), code, worker.failure))

    def _announce(self) -> None:
        """Tell once that the application is served: when all that were wanted at first are."""
        ready = [each for each in self._supervisor.workers.values() if each.is_ready]
        if self._has_told or len(ready) < self._supervisor.wanted:
            return
        self._has_told = True
        is_tls = self._settings.cert is not None
        announce(self._settings, [describe(sock, tls=is_tls) for sock in self._sockets])
        notify("READY=1")


def _forget_figures(pid: int) -> None:
    """Take what the dead worker has open out of the figures that all write together."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)  # type: ignore[no-untyped-call]
