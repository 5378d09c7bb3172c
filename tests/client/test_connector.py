"""Connectors on real sockets: limits, reuse, TLS, errors, closing, cancellation at each step."""

import asyncio
import contextlib
import gc
import hashlib
import socket
import ssl
import sys
import warnings

import pytest
from yarl import URL

from tercel.abc import AbstractResolver
from tercel.client.connector import (
    BaseConnector,
    NamedPipeConnector,
    TCPConnector,
    UnixConnector,
)
from tercel.client.errors import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientProxyConnectionError,
    ConnectionTimeoutError,
    InvalidUrlClientError,
    ServerFingerprintMismatch,
    UnixClientConnectorError,
)
from tercel.client.options import ClientTimeout
from tercel.client.trust import Fingerprint
from tests.certificates import client_context, server_context
from tests.client.asking import Ask, Recorder, open_files, serve, settle


class NoNames(AbstractResolver):
    """Knows one name; others have no address."""

    def __init__(self, names=None, wait=None):
        self.names = names or {}
        self.asked = []
        self.wait = wait

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        if self.wait is not None:
            await self.wait.wait()
        if host not in self.names:
            raise OSError(None, "no such name")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in self.names[host]
        ]

    async def close(self):
        raise AssertionError("a resolver that was given is not closed")


async def test_lends_and_reuses():
    async with serve() as place, TCPConnector() as connector:
        first = await connector.connect(Ask(place.url), [], ClientTimeout())
        protocol = first.protocol
        assert first.transport is not None
        assert not first.closed
        first.release()
        assert first.closed
        assert first.protocol is None
        first.release()
        second = await connector.connect(Ask(place.url), [], ClientTimeout())
        assert second.protocol is protocol
        second.close()
        third = await connector.connect(Ask(place.url))
        assert third.protocol is not protocol
        third.close()
        assert connector.stats().open == 0


async def test_force_close_never_reuses():
    async with serve() as place, TCPConnector(force_close=True) as connector:
        assert connector.force_close
        first = await connector.connect(Ask(place.url))
        first.release()
        assert connector.stats().open == 0


async def test_a_callback_is_called_once():
    async with serve() as place, TCPConnector() as connector:
        connection = await connector.connect(Ask(place.url))
        calls = []
        connection.add_callback(lambda: calls.append(1))
        connection.release()
        connection.close()
        assert calls == [1]


async def test_an_idle_connection_that_the_server_closes_leaves_the_pool():
    async with serve() as place, TCPConnector() as connector:
        (await connector.connect(Ask(place.url))).release()
        assert connector.stats().idle == 1
        protocol = next(iter(connector._live))
        await settle()
        place.accepted[0].close()
        await protocol.closed
        await settle()
        assert connector.stats().open == 0
        assert not connector._live


async def test_idle_connections_expire():
    async with serve() as place, TCPConnector(keepalive_timeout=0.01) as connector:
        (await connector.connect(Ask(place.url))).release()
        protocol = next(iter(connector._live))
        await protocol.closed
        assert connector.stats().open == 0


async def test_the_queue_is_fair_and_told():
    async with serve() as place, TCPConnector(limit=1) as connector:
        held = await connector.connect(Ask(place.url))
        order = []
        trace = Recorder()

        async def ask(name):
            connection = await connector.connect(Ask(place.url), [trace] if name == 0 else [])
            order.append(name)
            await asyncio.sleep(0)
            connection.release()

        tasks = [asyncio.create_task(ask(name)) for name in range(3)]
        await settle()
        assert connector.stats().waiting == 3
        held.release()
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2]
        assert trace.seen == [
            "connection_queued_start",
            "connection_queued_end",
            "connection_reuseconn",
        ]
        assert len(place.accepted) == 1


async def test_the_limit_holds_under_load():
    most = 0
    async with serve() as place, TCPConnector(limit=4, limit_per_host=3) as connector:

        async def ask():
            nonlocal most
            connection = await connector.connect(Ask(place.url))
            most = max(most, len(connector._live))
            await asyncio.sleep(0)
            (connection.release if id(connection) % 3 else connection.close)()

        await asyncio.gather(*[ask() for _ in range(50)])
        stats = connector.stats()
        assert stats.waiting == 0
        assert stats.open <= 3


async def test_what_a_new_connection_tells():
    resolver = NoNames({"name.example": ["127.0.0.1"]})
    async with serve() as place, TCPConnector(resolver=resolver) as connector:
        url = place.url.with_host("name.example")
        for wanted in (
            [
                "connection_create_start",
                "dns_cache_miss",
                "dns_resolvehost_start",
                "dns_resolvehost_end",
                "connection_create_end",
            ],
            ["connection_create_start", "dns_cache_hit", "connection_create_end"],
        ):
            trace = Recorder()
            (await connector.connect(Ask(url), [trace])).close()
            assert trace.seen == wanted
        assert resolver.asked == ["name.example"]
        assert connector.use_dns_cache
        assert list(connector.cached_hosts) == [("name.example", place.port)]
        connector.clear_dns_cache("name.example", place.port)
        assert not connector.cached_hosts


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "0177.0.0.1", "2130706433", "127.0.0.1."])
async def test_oddly_spelled_addresses_are_refused(host):
    async with TCPConnector() as connector:
        request = Ask("http://name.example:1/")
        request.connection_key = request.connection_key._replace(host=host)
        with pytest.raises(InvalidUrlClientError, match="canonical"):
            await connector.connect(request)
        assert connector.stats().open == 0


async def test_ipv6():
    if not socket.has_ipv6:
        pytest.skip("needs IPv6")
    try:
        server = serve(host="::1")
        place = await server.__aenter__()
    except OSError:
        pytest.skip("needs IPv6 on the loopback")
    async with TCPConnector() as connector:
        (await connector.connect(Ask(place.url))).release()
    await server.__aexit__(None, None, None)


# --- errors ------------------------------------------------------------------------------------


async def test_no_such_name():
    async with TCPConnector(resolver=NoNames()) as connector:
        with pytest.raises(ClientConnectorDNSError) as caught:
            await connector.connect(Ask("http://nowhere.example/"))
        assert caught.value.host == "nowhere.example"
        assert connector.stats().open == 0


async def test_nobody_listens(unused_port):
    async with TCPConnector() as connector:
        with pytest.raises(ClientConnectorError) as caught:
            await connector.connect(Ask(f"http://127.0.0.1:{unused_port}/"))
        assert isinstance(caught.value.os_error, ConnectionRefusedError)
        assert connector.stats().open == 0


@pytest.fixture
def unused_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


async def test_connect_timeout_counts_the_queue():
    async with serve() as place, TCPConnector(limit=1) as connector:
        held = await connector.connect(Ask(place.url))
        with pytest.raises(ConnectionTimeoutError, match="Connection timeout to host"):
            await connector.connect(Ask(place.url), [], ClientTimeout(connect=0.01))
        assert connector.stats().waiting == 0
        held.release()


async def test_sock_connect_timeout_counts_the_handshake():
    async with serve() as place, TCPConnector() as connector:
        request = Ask(place.url.with_scheme("https"))
        with pytest.raises(ConnectionTimeoutError):
            await connector.connect(request, [], ClientTimeout(sock_connect=0.05))
        assert connector.stats().open == 0


async def test_an_unknown_proxy_scheme_is_refused():
    async with TCPConnector() as connector:
        with pytest.raises(InvalidUrlClientError):
            await connector.connect(Ask("http://a.example/", proxy=URL("ftp://u:p@proxy:1")))


async def test_a_proxy_that_nobody_answers(unused_port):
    async with TCPConnector() as connector:
        for scheme in ("http", "socks5h"):
            proxy = URL(f"{scheme}://127.0.0.1:{unused_port}")
            with pytest.raises(ClientProxyConnectionError) as caught:
                await connector.connect(Ask("https://a.example/", proxy=proxy))
            assert caught.value.port == unused_port


# --- TLS ---------------------------------------------------------------------------------------


async def test_tls():
    async with serve(ssl=server_context()) as place:
        async with TCPConnector(ssl=client_context()) as connector:
            connection = await connector.connect(Ask(place.url))
            assert connection.transport.get_extra_info("peercert")
            connection.release()


@pytest.mark.loop_errors
async def test_an_unknown_authority():
    async with serve(ssl=server_context()) as place, TCPConnector() as connector:
        with pytest.raises(ClientConnectorCertificateError) as caught:
            await connector.connect(Ask(place.url))
        assert isinstance(caught.value, ssl.CertificateError)
        assert connector.stats().open == 0


@pytest.mark.loop_errors
async def test_another_name_in_the_certificate():
    async with serve(ssl=server_context("other.example")) as place:
        async with TCPConnector(ssl=client_context()) as connector:
            with pytest.raises(ClientConnectorCertificateError):
                await connector.connect(Ask(place.url))
            good = Ask(place.url, server_hostname="other.example")
            (await connector.connect(good)).release()


async def test_plain_text_where_tls_is_expected():
    async def handle(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with serve(handle) as place, TCPConnector() as connector:
        with pytest.raises(ClientConnectorSSLError):
            await connector.connect(Ask(place.url.with_scheme("https")))


async def test_no_verification():
    async with serve(ssl=server_context()) as place:
        async with TCPConnector(ssl=False) as connector:
            (await connector.connect(Ask(place.url))).release()
        async with TCPConnector() as connector:
            (await connector.connect(Ask(place.url, ssl=False))).release()


async def test_fingerprint():
    async with serve(ssl=server_context()) as place, TCPConnector(ssl=False) as connector:
        connection = await connector.connect(Ask(place.url))
        der = connection.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        connection.close()
        good = Fingerprint(hashlib.sha256(der).digest())
        (await connector.connect(Ask(place.url, ssl=good))).close()
        before = len(connector._live)
        with pytest.raises(ServerFingerprintMismatch) as caught:
            await connector.connect(Ask(place.url, ssl=Fingerprint(b"0" * 32)))
        assert caught.value.expected == b"0" * 32
        assert caught.value.got == hashlib.sha256(der).digest()
        assert len(connector._live) <= before


@pytest.mark.parametrize(
    "options",
    [
        {"verify_ssl": False, "ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)},
        {"fingerprint": b"0" * 32, "ssl": False},
        {"fingerprint": b"0" * 20},
        {"fingerprint": b"0" * 64},
        {"force_close": True, "keepalive_timeout": 4},
    ],
)
async def test_options_that_exclude_each_other(options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(ValueError):
            TCPConnector(**options)


async def test_old_spellings_warn_and_work():
    with pytest.warns(DeprecationWarning, match="verify_ssl is deprecated") as caught:
        connector = TCPConnector(verify_ssl=False)
    assert caught[0].filename == __file__
    assert connector._ssl is False
    with pytest.warns(DeprecationWarning, match="fingerprint is deprecated"):
        assert TCPConnector(fingerprint=b"0" * 32)._ssl == Fingerprint(b"0" * 32)
    with pytest.raises(TypeError, match="ssl should be SSLContext"):
        TCPConnector(ssl=5)


# --- the other connectors ----------------------------------------------------------------------


async def test_unix_socket(tmp_path):
    path = tmp_path / "socket"
    async with serve(path=path) as place, UnixConnector(str(path)) as connector:
        assert connector.path == str(path)
        (await connector.connect(Ask(place.url))).release()
        assert connector.stats().idle == 1


async def test_no_unix_socket(tmp_path):
    path = str(tmp_path / "socket")
    async with UnixConnector(path) as connector:
        with pytest.raises(UnixClientConnectorError) as caught:
            await connector.connect(Ask("http://localhost/"))
        assert caught.value.path == path


@pytest.mark.skipif(sys.platform == "win32", reason="pipes have names there")
async def test_no_named_pipes_here():
    with pytest.raises(RuntimeError, match="Named Pipes"):
        NamedPipeConnector(r"\\.\pipe\x")


async def test_no_limit():
    connector = TCPConnector(limit=None, limit_per_host=None)
    assert (connector.limit, connector.limit_per_host) == (0, 0)
    await connector.close()


async def test_a_connector_of_ones_own():
    class Own(BaseConnector):
        pass

    connector = Own()
    assert connector.limit == 100
    assert connector.limit_per_host == 0
    with pytest.raises(TypeError, match="does not say how"):
        await connector.connect(Ask("http://a.example/"))
    assert connector.stats().open == 0


# --- closing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("abort_ssl", [False, True])
async def test_close_waits_until_every_transport_is_closed(tls, abort_ssl):
    async with serve(ssl=server_context() if tls else None) as place:
        before = open_files()
        connector = TCPConnector(ssl=client_context())
        idle = await connector.connect(Ask(place.url))
        used = await connector.connect(Ask(place.url))
        closing = await connector.connect(Ask(place.url))
        idle.release()
        closing.close()
        assert not connector.closed
        await connector.close(abort_ssl=abort_ssl)
        assert connector.closed
        assert not connector._live
        assert used.closed
        used.release()
        place.accepted.clear()
        await settle(30)
        await _until(lambda: open_files().keys() <= before.keys())
        await connector.close()


async def _until(condition):
    """Servers close their side when they learn of ours."""
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.005)
    assert condition()


async def test_close_begins_without_being_awaited():
    async with serve() as place:
        connector = TCPConnector()
        (await connector.connect(Ask(place.url))).release()
        connector.close()
        assert connector.closed
        await settle()
        assert not connector._live


async def test_closing_with_a_farewell():
    async with serve(ssl=server_context()) as place:
        with pytest.warns(DeprecationWarning):
            connector = TCPConnector(ssl=client_context(), ssl_shutdown_timeout=1)
        (await connector.connect(Ask(place.url))).release()
        await connector.close()
        assert not connector._live


async def test_a_peer_that_never_says_farewell_does_not_hold_up_close():
    async def handle(reader, writer):
        await asyncio.sleep(3600)

    async with serve(handle, ssl=server_context()) as place:
        connector = TCPConnector(ssl=client_context())
        connection = await connector.connect(Ask(place.url))
        connection.transport.write(b"x" * 10_000_000)
        async with asyncio.timeout(10):
            await connector.close()
        assert not connector._live
        connection.release()


async def test_those_who_wait_learn_of_the_end():
    async with serve() as place:
        connector = TCPConnector(limit=1)
        held = await connector.connect(Ask(place.url))
        waiting = asyncio.create_task(connector.connect(Ask(place.url)))
        await settle()
        await connector.close()
        with pytest.raises(ClientConnectionError, match="Connector is closed"):
            await waiting
        with pytest.raises(ClientConnectionError, match="Connector is closed"):
            await connector.connect(Ask(place.url))
        held.close()


async def test_a_connection_that_is_made_while_the_connector_closes_is_closed():
    wait = asyncio.Event()
    resolver = NoNames({"name.example": ["127.0.0.1"]}, wait)
    async with serve() as place:
        connector = TCPConnector(resolver=resolver)
        url = place.url.with_host("name.example")
        asking = asyncio.create_task(connector.connect(Ask(url)))
        await settle()
        await connector.close()
        with pytest.raises(ClientConnectionError):
            await asking


async def test_never_closed_warns_once_with_its_place():
    async with serve() as place:
        connector = TCPConnector()
        (await connector.connect(Ask(place.url))).release()
        live = connector._live
        with pytest.warns(
            ResourceWarning, match=r"Unclosed connector .*test_connector\.py"
        ) as seen:
            del connector
            gc.collect()
        assert len(seen) == 1
        await settle()
        del live


async def test_a_connection_that_is_dropped_warns_and_is_closed():
    async with serve() as place, TCPConnector(limit=1) as connector:
        connection = await connector.connect(Ask(place.url))
        with pytest.warns(ResourceWarning, match="Unclosed connection"):
            del connection
            gc.collect()
        assert connector.stats().open == 0


# --- cancellation ------------------------------------------------------------------------------


async def _steps_until_done(make, *, tidy):
    """Cancel at the first step of the loop, then the second, and so on, until it gets through."""
    for turns in range(200):
        task = asyncio.create_task(make())
        for _ in range(turns):
            await asyncio.sleep(0)
        if task.done():
            await tidy(task.result())
            return turns
        task.cancel()
        try:
            result = await task
        except asyncio.CancelledError:
            await tidy(None)
        else:
            await tidy(result)
    raise AssertionError("it never got through")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.loop_errors
async def test_cancelled_at_each_step_nothing_is_left(tls):
    resolver = NoNames({"localhost": ["127.0.0.1", "::1"]})
    async with serve(ssl=server_context() if tls else None) as place:
        before = open_files()
        connector = TCPConnector(
            ssl=client_context(), resolver=resolver, use_dns_cache=False, limit=1
        )

        async def wait(name):
            await asyncio.sleep(0)

        async def make():
            request = Ask(place.url.with_host("localhost"))
            return await connector.connect(request, [Recorder(wait)])

        async def tidy(connection):
            if connection is not None:
                connection.close()
            await settle()
            stats = connector.stats()
            assert (stats.open - stats.idle, stats.waiting) == (0, 0)
            for protocol in list(connector._live):
                protocol.abort()
            await settle()
            await _until(lambda: len(asyncio.all_tasks()) <= 1 + len(place.accepted))

        assert await _steps_until_done(make, tidy=tidy) > 5
        await connector.close()
        await _until(lambda: open_files().keys() <= before.keys())


async def test_cancelled_in_the_queue_nothing_is_left():
    async with serve() as place, TCPConnector(limit=1) as connector:
        held = await connector.connect(Ask(place.url))
        for granted in (False, True):
            waiting = asyncio.create_task(connector.connect(Ask(place.url)))
            await settle()
            if granted:
                held.release()
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
            assert connector.stats().waiting == 0
            if granted:
                assert connector.stats().idle == 1


async def test_a_subclass_that_connects_in_its_own_way():
    asked = []

    class Own(TCPConnector):
        async def _wrap_create_connection(self, *args, addr_infos, **kwargs):
            asked.append([address[4][0] for address in addr_infos])
            return await super()._wrap_create_connection(*args, addr_infos=addr_infos, **kwargs)

    async with serve() as place, Own() as connector:
        (await connector.connect(Ask(place.url))).release()
        assert asked == [["127.0.0.1"]]
        with pytest.raises(ValueError, match="Own connects in its own way"):
            await connector.connect(Ask(place.url, proxy=URL("http://127.0.0.1:1")))
        with pytest.raises(ClientConnectorError):
            await connector.connect(Ask("http://127.0.0.1:1/"))


async def test_a_subclass_is_told_why_a_name_leads_nowhere():
    class Nowhere(AbstractResolver):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise OSError("no such name")

        async def close(self):
            pass

    class Own(TCPConnector):
        async def _wrap_create_connection(self, *args, **kwargs):
            raise AssertionError

    async with Own(resolver=Nowhere()) as connector:
        with pytest.raises(ClientConnectorDNSError):
            await connector.connect(Ask("http://site.invalid/"))
