"""What the tests of connectors share: a request that says where it goes, servers, open files."""

import asyncio
import os
from contextlib import asynccontextmanager

from multidict import CIMultiDict
from yarl import URL

from tercel.client.pool import make_connection_key
from tests.client.peer import forgive

__all__ = ["Ask", "Recorder", "open_files", "serve", "settle"]


class Ask:
    """As much of a request as a connector sees."""

    def __init__(self, url, **options):
        self.url = URL(url)
        self.proxy = options.get("proxy")
        self.connection_key = make_connection_key(self.url, **options)
        self.headers = CIMultiDict()


@asynccontextmanager
async def serve(handle=None, *, ssl=None, host="127.0.0.1", path=None):
    """A server that keeps connections open (or lets `handle` have them); yields its URL.

    The URL has a list of the connections at `.accepted`.
    """
    accepted = []
    tasks = set()

    async def on_connection(reader, writer):
        forgive(writer)
        accepted.append(writer)
        tasks.add(asyncio.current_task())
        try:
            if handle is not None:
                await handle(reader, writer)
            else:
                while await reader.read(65536):
                    pass
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(asyncio.current_task())

    if path is not None:
        server = await asyncio.start_unix_server(on_connection, path, ssl=ssl)
        place = Place("http://localhost/", accepted)
    else:
        server = await asyncio.start_server(on_connection, host, 0, ssl=ssl)
        port = server.sockets[0].getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        place = Place(f"http{'s' if ssl else ''}://{name}:{port}/", accepted)
    try:
        yield place
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await settle()


class Place:
    """Where a server is."""

    def __init__(self, url, accepted):
        self.url = URL(url)
        self.port = self.url.port
        self.accepted = accepted

    def __str__(self):
        return str(self.url)


async def settle(turns=10):
    """Let the loop finish what it has begun."""
    for _ in range(turns):
        await asyncio.sleep(0)


def open_files():
    """The descriptors that are open, and what they are."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
    return {number: target for number, target in found.items() if "socket" in target}


class Recorder:
    """A trace that writes down what it is told."""

    def __init__(self, wait=None):
        self.seen = []
        self.wait = wait

    def __getattr__(self, name):
        if not name.startswith("send_"):
            raise AttributeError(name)

        async def note(*args):
            self.seen.append(name.removeprefix("send_"))
            if self.wait is not None:
                await self.wait(name)

        return note
