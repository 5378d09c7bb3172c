"""What closing leaves behind: nothing; and what never closing says."""

import asyncio
import gc
import http.cookies
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

import tercel
from tests.certificates import make_authority, server_context
from tests.client.peer import Peer, answer, read_request, scripted, serving_peer

PROGRAM = """
import asyncio, gc, ssl, sys
import tercel

async def ask(session, url):
    async with session.get(url) as response:
        await response.read()

async def main(url, authority):
    asyncio.get_running_loop().slow_callback_duration = 60
    trust = ssl.create_default_context(cafile=authority)
    async with tercel.ClientSession(connector=tercel.TCPConnector(ssl=trust)) as session:
        await asyncio.gather(*(ask(session, url) for _ in range(5)))
        async with session.get(url) as response:
            await response.content.read(10)
        async with session.post(url, data=open(authority, "rb")) as response:
            assert response.status == 200
        try:
            async with session.get(url.replace("https", "http"), timeout=1):
                pass
        except tercel.ClientError:
            pass
    async with tercel.request("GET", url, ssl=trust) as response:
        await response.text()

asyncio.run(main(*sys.argv[1:]))
gc.collect()
print("done")
"""


@pytest.mark.parametrize("tls", [False, True])
async def test_nothing_is_said_under_dev_mode(tls: bool, tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    make_authority().cert_pem.write_to_path(str(authority))
    play = scripted(answer(200, b"x" * 100_000))
    async with serving_peer(play, ssl=server_context() if tls else None) as peer:
        url = peer.url.replace("http:", "https:") if tls else peer.url
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM, url, str(authority)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PYTHONPATH": str(Path(tercel.__file__).parent.parent)},
        )
        said, complained = await program.communicate()
    assert (said, complained.decode()) == (b"done\n", "")


async def test_a_session_that_was_never_closed_says_where_it_was_made() -> None:
    async with serving_peer(scripted(answer(200, b"x"))) as peer:
        session = tercel.ClientSession()
        line = sys._getframe().f_lineno - 1
        async with session.get(peer.url) as response:
            await response.read()
        del response
        with pytest.warns(ResourceWarning) as seen:
            del session
            gc.collect()
    (warning,) = seen
    assert "Unclosed client session" in str(warning.message)
    assert f"test_closing.py:{line}" in str(warning.message)
    assert not tracemalloc.is_tracing()


async def test_a_session_that_could_not_be_made_leaves_nothing() -> None:
    with pytest.raises(http.cookies.CookieError):
        tercel.ClientSession(cookies={"": "nameless"})
    gc.collect()  # what a finaliser raises fails the test


async def test_closed_means_closed_for_the_peer_too() -> None:
    """When `async with` is left, the server has seen the end of each connection."""
    ends = 0

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal ends
        while await read_request(reader):
            writer.write(answer(200, b"x"))
        ends += 1

    async with serving_peer(play, ssl=server_context()) as peer:
        async with tercel.ClientSession() as session:
            for _ in range(3):
                url = peer.url.replace("http:", "https:")
                async with session.get(url, ssl=False) as response:
                    await response.read()
            connector = session.connector
            assert connector is not None
            live = list(connector._live)
            assert live
        assert all(protocol.transport is None for protocol in live)
        async with asyncio.timeout(5):
            while ends < 1:
                await asyncio.sleep(0.001)
