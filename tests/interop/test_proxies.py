"""Through proxies that are not ours: tinyproxy for HTTP and CONNECT, microsocks for SOCKS5."""

import asyncio
import contextlib

import pytest
from yarl import URL

from tercel.client.connector import TCPConnector
from tercel.client.errors import ClientHttpProxyError, ClientProxyConnectionError
from tests.certificates import client_context, server_context
from tests.client.asking import Ask, serve
from tests.peers import require_program
from tests.ports import free_port


@contextlib.asynccontextmanager
async def run_program(*command, port):
    """Run a program until the end of the block; it is ready when it listens on `port`."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(400):
            assert process.returncode is None, f"{command[0]} ended with {process.returncode}"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                break
        else:
            raise AssertionError(f"{command[0]} does not listen")
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def run_tinyproxy(tmp_path, *lines):
    program = require_program("tinyproxy")
    port = free_port()
    config = tmp_path / "tinyproxy.conf"
    own = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "Allow 127.0.0.1", *lines]
    config.write_text("\n".join(own) + "\n")
    async with run_program(program, "-d", "-c", str(config), port=port):
        yield port


@contextlib.asynccontextmanager
async def run_microsocks(*options):
    program = require_program("microsocks")
    port = free_port()
    async with run_program(program, "-i", "127.0.0.1", "-p", str(port), *options, port=port):
        yield port


async def answer(reader, writer):
    """A server that answers each request with its request line."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        line = head.partition(b"\r\n")[0]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(line), line))
        await writer.drain()


@contextlib.asynccontextmanager
async def server(tls):
    async def handle(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            await answer(reader, writer)

    async with serve(handle, ssl=server_context() if tls else None) as place:
        yield place


class Reading(asyncio.Protocol):
    """Reads until a text has come."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.seen = b""
        self.done = asyncio.get_running_loop().create_future()

    def data_received(self, data):
        self.seen += data
        if self.wanted in self.seen and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError(repr(self.seen)))


async def get(connection, target, host, wanted):
    transport = connection.transport
    reading = Reading(wanted)
    transport.set_protocol(reading)
    transport.write(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target.encode(), host.encode()))
    await reading.done
    transport.set_protocol(connection.protocol)
    return reading.seen


async def test_tinyproxy_tunnels(tmp_path):
    async with run_tinyproxy(tmp_path) as port, server(True) as place:
        async with TCPConnector(ssl=client_context()) as connector:
            request = Ask(place.url, proxy=URL(f"http://127.0.0.1:{port}"))
            for _ in range(2):
                connection = await connector.connect(request)
                seen = await get(connection, "/x", "localhost", b"GET /x HTTP/1.1")
                assert seen.startswith(b"HTTP/1.1 200")
                connection.release()
            assert connector.stats().open == 1


async def test_tinyproxy_forwards_plain_requests(tmp_path):
    async with run_tinyproxy(tmp_path) as port, server(False) as place, TCPConnector() as connector:
        connection = await connector.connect(Ask(place.url, proxy=URL(f"http://127.0.0.1:{port}")))
        seen = await get(connection, f"{place.url}y", f"127.0.0.1:{place.port}", b"GET /y")
        assert b" 200 " in seen.partition(b"\r\n")[0]
        connection.close()


async def test_tinyproxy_wants_a_login(tmp_path):
    async with run_tinyproxy(tmp_path, "BasicAuth joe secret") as port, server(True) as place:
        async with TCPConnector(ssl=client_context()) as connector:
            with pytest.raises(ClientHttpProxyError) as caught:
                await connector.connect(Ask(place.url, proxy=URL(f"http://127.0.0.1:{port}")))
            assert caught.value.status == 407
            assert connector.stats().open == 0
            proxy = URL(f"http://joe:secret@127.0.0.1:{port}")
            (await connector.connect(Ask(place.url, proxy=proxy))).release()


async def test_tinyproxy_refuses_a_port(tmp_path):
    async with run_tinyproxy(tmp_path, "ConnectPort 1") as port, server(True) as place:
        async with TCPConnector(ssl=client_context()) as connector:
            with pytest.raises(ClientHttpProxyError) as caught:
                await connector.connect(Ask(place.url, proxy=URL(f"http://127.0.0.1:{port}")))
            assert caught.value.status == 403


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_microsocks(scheme, tls):
    async with run_microsocks() as port, server(tls) as place:
        async with TCPConnector(ssl=client_context()) as connector:
            request = Ask(
                place.url.with_host("localhost"), proxy=URL(f"{scheme}://127.0.0.1:{port}")
            )
            connection = await connector.connect(request)
            assert b"GET /z" in await get(connection, "/z", "localhost", b"GET /z HTTP/1.1")
            connection.release()
            assert connector.stats().idle == 1


async def test_microsocks_wants_a_login():
    async with run_microsocks("-u", "joe", "-P", "secret") as port, server(False) as place:
        async with TCPConnector() as connector:
            with pytest.raises(ClientProxyConnectionError, match="user name"):
                await connector.connect(Ask(place.url, proxy=URL(f"socks5://127.0.0.1:{port}")))
            wrong = URL(f"socks5://joe:wrong@127.0.0.1:{port}")
            with pytest.raises(ClientProxyConnectionError, match="refuses"):
                await connector.connect(Ask(place.url, proxy=wrong))
            good = URL(f"socks5://joe:secret@127.0.0.1:{port}")
            (await connector.connect(Ask(place.url, proxy=good))).release()


async def test_microsocks_can_not_reach_the_server():
    async with run_microsocks() as port, TCPConnector() as connector:
        nobody = f"http://127.0.0.1:{free_port()}/"
        with pytest.raises(ClientProxyConnectionError) as caught:
            await connector.connect(Ask(nobody, proxy=URL(f"socks5://127.0.0.1:{port}")))
        assert caught.value.port == port
