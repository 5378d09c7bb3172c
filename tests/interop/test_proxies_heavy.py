"""Through the proxies that networks really have: squid for HTTP, dante for SOCKS 4 and 5."""

import asyncio
import contextlib
import os
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import tercel
from tests.certificates import client_context, server_context
from tests.client.peer import answer, scripted, serving_peer
from tests.peers import require_program
from tests.ports import free_port

SQUID = """
http_port 127.0.0.1:{port}
http_access deny CONNECT {refused}
http_access allow all
pid_filename none
access_log none
cache_log {folder}/cache.log
cache deny all
coredump_dir {folder}
pinger_enable off
shutdown_lifetime 0 seconds
dns_nameservers 127.0.0.1
"""
DANTE = """
logoutput: {folder}/log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: {user}
user.unprivileged: {user}
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
"""


@contextlib.asynccontextmanager
async def run_proxy(program: str, *options: str, port: int) -> AsyncIterator[int]:
    """Run a proxy until the end of the block, with whatever processes it starts."""
    process = await asyncio.create_subprocess_exec(
        program,
        *options,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(500):
            assert process.returncode is None, f"{program} ended with {process.returncode}"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.04)
            else:
                writer.close()
                break
        else:
            raise AssertionError(f"{program} does not listen")
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()


@contextlib.asynccontextmanager
async def run_squid(refused: str = "!all") -> AsyncIterator[str]:
    program = require_program("squid")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)  # squid is nobody in particular once it has started
        config = Path(folder, "squid.conf")
        config.write_text(SQUID.format(port=port, folder=folder, refused=refused))
        async with run_proxy(program, "-N", "-f", str(config), port=port):
            yield f"http://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def run_dante() -> AsyncIterator[int]:
    import getpass

    program = require_program("danted", "sockd")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "danted.conf")
        config.write_text(DANTE.format(port=port, folder=folder, user=getpass.getuser()))
        async with run_proxy(program, "-f", str(config), "-N", "1", port=port):
            yield port


async def test_squid_forwards_and_tunnels() -> None:
    large = b"x" * 3_000_000
    play = scripted(lambda asked: answer(200, asked.line.encode() + b"\n" + asked.body))
    async with run_squid() as proxy, tercel.ClientSession(proxy=proxy) as session:
        async with serving_peer(play) as peer:
            for _ in range(3):
                async with session.post(peer.url + "/a?b", data=large) as response:
                    assert response.status == 200
                    assert await response.read() == b"POST /a?b HTTP/1.1\n" + large
                    assert "squid" in response.headers["Via"]
            assert session.connector is not None
            assert session.connector.stats().open == 1
        context = client_context()
        async with serving_peer(play, ssl=server_context()) as peer:
            url = f"https://localhost:{peer.port}/c"
            for _ in range(3):
                async with session.post(url, data=large, ssl=context) as response:
                    assert await response.read() == b"POST /c HTTP/1.1\n" + large
                    assert "Via" not in response.headers
            assert peer.connections == 1
            with pytest.raises(tercel.ClientConnectorCertificateError):
                await session.get(url, ssl=ssl.create_default_context())


async def test_squid_says_no() -> None:
    async with run_squid(refused="all") as proxy, tercel.ClientSession(proxy=proxy) as session:
        async with serving_peer(scripted(answer(200)), ssl=server_context()) as peer:
            with pytest.raises(tercel.ClientHttpProxyError) as caught:
                await session.get(f"https://localhost:{peer.port}/", ssl=client_context())
            assert caught.value.status == 403
            assert peer.connections == 0
        async with session.get(f"http://127.0.0.1:{free_port()}/") as response:
            assert response.status == 503  # of the proxy: nobody listens there
            assert "squid" in await response.text()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h"])
async def test_dante(scheme: str, tls: bool) -> None:
    large = b"x" * 1_000_000
    play = scripted(lambda asked: answer(200, asked.body))
    async with run_dante() as port, serving_peer(play, server_context() if tls else None) as peer:
        proxy = f"{scheme}://127.0.0.1:{port}"
        async with tercel.ClientSession(proxy=proxy) as session:
            url = f"http{'s' if tls else ''}://localhost:{peer.port}/"
            for _ in range(2):
                async with session.post(url, data=large, ssl=client_context()) as response:
                    assert await response.read() == large
        assert peer.connections == 1


async def test_dante_can_not_reach_the_server() -> None:
    async with run_dante() as port, tercel.ClientSession() as session:
        for scheme in ("socks4", "socks5"):
            proxy = f"{scheme}://127.0.0.1:{port}"
            with pytest.raises(tercel.ClientProxyConnectionError) as caught:
                await session.get(f"http://127.0.0.1:{free_port()}/", proxy=proxy)
            assert caught.value.port == port
