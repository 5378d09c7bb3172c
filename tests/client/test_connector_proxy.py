"""Ways through proxies: CONNECT, refusals, TLS in TLS, SOCKS; the proxies are small and our own."""

import asyncio
import contextlib

import pytest
from yarl import URL

from tercel.client.connector import TCPConnector
from tercel.client.errors import (
    ClientConnectorCertificateError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    ConnectionTimeoutError,
    ServerFingerprintMismatch,
)
from tercel.client.options import ClientTimeout
from tercel.client.trust import Fingerprint
from tests.certificates import client_context, server_context
from tests.client.asking import Ask, open_files, serve, settle


class Proxy:
    """Answers CONNECT and SOCKS5; remembers every octet that came before the way was open."""

    def __init__(self, answer=b"HTTP/1.1 200 Connection established\r\n\r\n", target=None):
        self.answer = answer
        self.target = target
        self.heard = b""
        self.rest = b""

    async def handle(self, reader, writer):
        self.heard = await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        await writer.drain()
        if self.target is None:
            self.rest = await reader.read()
            return
        await relay(reader, writer, "127.0.0.1", self.target)

    async def handle_socks(self, reader, writer):
        greeting = await reader.readexactly(2)
        methods = await reader.readexactly(greeting[1])
        writer.write(b"\5\2" if 2 in methods else b"\5\0")
        if 2 in methods:
            self.heard += await reader.readexactly(2)
            self.heard += await reader.readexactly(self.heard[-1])
            size = await reader.readexactly(1)
            self.heard += size + await reader.readexactly(size[0])
            writer.write(b"\1\0")
        request = await reader.readexactly(4)
        size = {1: 4, 4: 16}.get(request[3]) or (await reader.readexactly(1))[0]
        self.heard += bytes((request[3],)) + await reader.readexactly(size + 2)
        writer.write(self.answer)
        if self.target is not None:
            await relay(reader, writer, "127.0.0.1", self.target)
        else:
            self.rest = await reader.read()


async def relay(reader, writer, host, port):
    """Carry octets both ways until either side ends."""
    far_reader, far_writer = await asyncio.open_connection(host, port)

    async def carry(source, sink):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()

    ways = [
        asyncio.create_task(carry(reader, far_writer)),
        asyncio.create_task(carry(far_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        far_writer.close()
        await asyncio.gather(*ways, return_exceptions=True)


async def greet(reader, writer):
    """A server that sends back one line."""
    line = await reader.readline()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(line), line))
    await writer.drain()
    await reader.read()


class Listening(asyncio.Protocol):
    """Takes over a lent transport to see what comes through it."""

    def __init__(self):
        self.got = asyncio.get_running_loop().create_future()

    def data_received(self, data):
        if not self.got.done():
            self.got.set_result(data)


async def exchange_through(connection):
    """Say a line through a connection and hear it."""
    listening = Listening()
    transport = connection.transport
    transport.set_protocol(listening)
    transport.write(b"hello\n")
    try:
        return await listening.got
    finally:
        transport.set_protocol(connection.protocol)


@pytest.mark.parametrize("proxy_tls", [False, True])
async def test_a_tunnel_to_a_tls_server(proxy_tls):
    """With `proxy_tls`: TLS in TLS."""
    async with serve(greet, ssl=server_context()) as place:
        proxy = Proxy(target=place.port)
        async with serve(proxy.handle, ssl=server_context() if proxy_tls else None) as way:
            async with TCPConnector(ssl=client_context()) as connector:
                request = Ask(place.url, proxy=way.url.with_user("u").with_password("p:w"))
                connection = await connector.connect(request)
                assert b"hello" in await exchange_through(connection)
                connection.release()
                assert connector.stats().idle == 1
                again = await connector.connect(request)
                again.close()
    host = b"127.0.0.1:%d" % place.port
    assert proxy.heard.startswith(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n" % (host, host))
    assert b"Proxy-Authorization: Basic dTpwOnc=\r\n" in proxy.heard


async def test_proxy_headers_go_to_the_proxy():
    async with serve(greet, ssl=server_context()) as place:
        proxy = Proxy(target=place.port)
        async with serve(proxy.handle) as way, TCPConnector(ssl=client_context()) as connector:
            headers = {"Proxy-Authorization": "Basic own", "X-Way": "1"}
            request = Ask(
                place.url, proxy=way.url.with_user("u").with_password("p"), proxy_headers=headers
            )
            (await connector.connect(request)).close()
    assert proxy.heard.count(b"Proxy-Authorization") == 1
    assert b"Proxy-Authorization: Basic own\r\n" in proxy.heard
    assert b"X-Way: 1\r\n" in proxy.heard


async def test_a_plain_request_goes_to_the_proxy_itself():
    async with serve(greet) as way, TCPConnector() as connector:
        connection = await connector.connect(Ask("http://a.example/", proxy=way.url))
        assert b"hello" in await exchange_through(connection)
        connection.release()


REFUSALS = [
    (b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", 407),
    (b"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nsorry", 403),
    (b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\n\r\n", 302),
    (b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 502 Bad\r\n\r\n", 502),
]


@pytest.mark.parametrize(("answer", "status"), REFUSALS)
async def test_a_refusal_closes_the_connection_and_sends_nothing(answer, status):
    proxy = Proxy(answer)
    async with serve(proxy.handle) as way, TCPConnector(ssl=client_context()) as connector:
        before = open_files()
        with pytest.raises(ClientHttpProxyError) as caught:
            await connector.connect(Ask("https://a.example/secret", proxy=way.url))
        assert caught.value.status == status
        assert connector.stats().open == 0
        assert not connector._live
        await settle(30)
        assert open_files().keys() <= before.keys()
    assert proxy.rest == b""
    assert b"secret" not in proxy.heard


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nan octet too many",
        b"HTTP/1.1 103 x\r\n\r\n" * 40,
    ],
)
async def test_what_is_no_answer(answer):
    proxy = Proxy(answer)
    async with serve(proxy.handle) as way, TCPConnector(ssl=client_context()) as connector:
        with pytest.raises(ClientProxyConnectionError):
            await connector.connect(Ask("https://a.example/", proxy=way.url))
    assert proxy.rest == b""


async def test_a_proxy_that_goes_away():
    async def handle(reader, writer):
        await reader.readline()

    async with serve(handle) as way, TCPConnector(ssl=client_context()) as connector:
        with pytest.raises(ClientProxyConnectionError):
            await connector.connect(Ask("https://a.example/", proxy=way.url))


async def test_a_proxy_that_never_answers():
    async with serve() as way, TCPConnector() as connector:
        request = Ask("https://a.example/", proxy=way.url)
        with pytest.raises(ConnectionTimeoutError):
            await connector.connect(request, [], ClientTimeout(sock_connect=0.05))
        assert connector.stats().open == 0


@pytest.mark.loop_errors
async def test_the_server_in_the_tunnel_is_verified():
    async with serve(greet, ssl=server_context()) as place:
        async with serve(Proxy(target=place.port).handle) as way, TCPConnector() as connector:
            with pytest.raises(ClientConnectorCertificateError):
                await connector.connect(Ask(place.url, proxy=way.url))
            wrong = Ask(place.url, proxy=way.url, ssl=Fingerprint(b"0" * 32))
            with pytest.raises(ServerFingerprintMismatch):
                await connector.connect(wrong)
            assert connector.stats().open == 0


@pytest.mark.loop_errors
async def test_the_proxy_is_verified():
    async with serve(Proxy().handle, ssl=server_context()) as way, TCPConnector() as connector:
        for trust in (True, Fingerprint(b"0" * 32)):
            with pytest.raises(ClientConnectorCertificateError):
                await connector.connect(Ask("https://a.example/", proxy=way.url, ssl=trust))


GRANTED = b"\5\0\0\1\0\0\0\0\0\0"


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_socks5(scheme, tls):
    async with serve(greet, ssl=server_context() if tls else None) as place:
        proxy = Proxy(GRANTED, place.port)
        async with serve(proxy.handle_socks) as way:
            async with TCPConnector(ssl=client_context()) as connector:
                url = URL(f"{scheme}://u:p@127.0.0.1:{way.port}")
                connection = await connector.connect(
                    Ask(place.url.with_host("localhost"), proxy=url)
                )
                assert b"hello" in await exchange_through(connection)
                connection.release()
    assert proxy.heard.startswith(b"\1\1u\1p")
    kind = proxy.heard[5:]
    if scheme == "socks5h":
        assert kind.startswith(b"\3localhost")
    else:
        assert kind[:1] in (b"\1", b"\4")


async def test_socks5_refusal():
    proxy = Proxy(b"\5\5\0\1\0\0\0\0\0\0")
    async with serve(proxy.handle_socks) as way, TCPConnector() as connector:
        url = URL(f"socks5h://127.0.0.1:{way.port}")
        with pytest.raises(ClientProxyConnectionError, match="connection refused"):
            await connector.connect(Ask("http://a.example/secret", proxy=url))
        assert connector.stats().open == 0
    assert proxy.rest == b""


async def test_a_name_that_socks_can_not_carry():
    async with TCPConnector() as connector:
        url = URL("socks5h://127.0.0.1:1")
        request = Ask(f"http://{'a.' * 130}example/", proxy=url)
        with pytest.raises(ClientProxyConnectionError):
            await connector.connect(request)


@pytest.mark.loop_errors
@pytest.mark.parametrize("proxy_tls", [False, True])
async def test_cancelled_at_each_step_of_a_tunnel_nothing_is_left(proxy_tls):
    async with serve(greet, ssl=server_context()) as place:
        proxy = Proxy(target=place.port)
        async with serve(proxy.handle, ssl=server_context() if proxy_tls else None) as way:
            before = open_files()
            async with TCPConnector(ssl=client_context(), limit=1) as connector:
                for turns in range(300):
                    asking = asyncio.create_task(connector.connect(Ask(place.url, proxy=way.url)))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    is_through = asking.done()
                    asking.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        (await asking).close()
                    stats = connector.stats()
                    assert (stats.open - stats.idle, stats.waiting) == (0, 0)
                    for protocol in list(connector._live):
                        protocol.abort()
                    await settle()
                    if is_through:
                        break
                else:
                    raise AssertionError("it never got through")
            for _ in range(400):
                if open_files().keys() <= before.keys():
                    break
                await asyncio.sleep(0.005)
            assert open_files().keys() <= before.keys()
