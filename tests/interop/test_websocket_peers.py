"""WebSockets against those of others: Python's `websockets`, Node's `ws` and a Chromium page."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import tercel
from tercel import web
from tests.live import serving
from tests.peers import require_node_module, require_program

SIZES = (0, 1, 125, 126, 65535, 65536, 2**20)
TEXT = "zwölf Boxkämpfer, 十二, 🥊 "
LARGE = os.urandom(2**20) + bytes(2**20)


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Echo; "close CODE" closes with that code, as the peer's own Close is answered."""
    socket = web.WebSocketResponse(
        protocols=("echo",), compress=request.query.get("compress") != "no"
    )
    await socket.prepare(request)
    request.app[CLOSES].append(socket)
    async for message in socket:
        if message.type is web.WSMsgType.TEXT:
            if message.data.startswith("close "):
                await socket.close(code=int(message.data[6:]), message="as you wish")
            else:
                await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    return socket


CLOSES: web.AppKey[list[web.WebSocketResponse]] = web.AppKey("CLOSES", list)


@pytest.fixture
async def url() -> AsyncIterator[tuple[str, list[web.WebSocketResponse]]]:
    app = web.Application()
    app[CLOSES] = []
    app.router.add_get("/", echo)
    async with serving(app) as server:
        yield f"ws://127.0.0.1:{server.port}/", app[CLOSES]


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.005)


# Python's websockets.


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_websockets_asks_our_server(
    url: tuple[str, list[web.WebSocketResponse]], compression: str | None
) -> None:
    websockets = pytest.importorskip("websockets.asyncio.client")
    address, sockets = url
    async with websockets.connect(
        address, compression=compression, subprotocols=["none", "echo"], max_size=2**22
    ) as peer:
        assert peer.subprotocol == "echo"
        names = [extension.name for extension in peer.protocol.extensions]
        assert names == (["permessage-deflate"] if compression else [])
        for size in SIZES:
            await peer.send(LARGE[:size])
            assert await peer.recv() == LARGE[:size]
            await peer.send(TEXT * (size // 16))
            assert await peer.recv() == TEXT * (size // 16)
        await peer.send(["in ", "three ", "frames"])
        assert await peer.recv() == "in three frames"
        await (await peer.ping())
        await peer.close(4001, "enough")
        assert (peer.close_code, peer.close_reason) == (4001, "")
    await until(lambda: sockets[0].closed)
    assert sockets[0].close_code == 4001


async def test_our_server_closes_on_websockets(
    url: tuple[str, list[web.WebSocketResponse]],
) -> None:
    websockets = pytest.importorskip("websockets")
    async with websockets.connect(url[0]) as peer:
        await peer.send("close 1008")
        with pytest.raises(websockets.ConnectionClosed) as caught:
            await peer.recv()
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "as you wish")


@pytest.fixture
async def websockets_server() -> AsyncIterator[str]:
    server = pytest.importorskip("websockets.asyncio.server")

    async def handler(peer: Any) -> None:
        async for message in peer:
            if message == "close":
                await peer.close(4002, "as you wish")
            elif message == "ping":
                await (await peer.ping(b"are you there"))
                await peer.send("they are")
            elif message == "pieces":
                await peer.send([b"in ", b"three ", b"frames"])
            else:
                await peer.send(message)

    async with server.serve(
        handler, "127.0.0.1", 0, subprotocols=["echo"], max_size=2**22
    ) as running:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize("compress", [0, 9, 15])
async def test_our_client_asks_websockets(websockets_server: str, compress: int) -> None:
    async with (
        tercel.ClientSession() as session,
        session.ws_connect(
            websockets_server, compress=compress, protocols=("none", "echo")
        ) as socket,
    ):
        assert socket.protocol == "echo"
        # Ours to choose is what the server sends; what we send is bounded by its answer, 12.
        assert socket.compress == (12 if compress else 0)
        for size in SIZES:
            await socket.send_bytes(LARGE[:size])
            assert await socket.receive_bytes() == LARGE[:size]
            await socket.send_str(TEXT * (size // 16))
            assert await socket.receive_str() == TEXT * (size // 16)
        await socket.send_str("pieces")
        assert await socket.receive_bytes() == b"in three frames"
        await socket.send_str("ping")
        assert await socket.receive_str() == "they are"
        await socket.send_str("close")
        message = await socket.receive()
        assert message == (tercel.WSMsgType.CLOSE, 4002, "as you wish")
        assert socket.close_code == 4002


# Node's ws.

NODE_SERVER = """
const { WebSocketServer } = require("ws");
const server = new WebSocketServer({
  port: 0, host: "127.0.0.1", perMessageDeflate: { threshold: 0 },
  handleProtocols: (offered) => offered.has("echo") ? "echo" : false,
});
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => {
    if (!isBinary && data.toString() === "close") socket.close(4003, "as you wish");
    else if (!isBinary && data.toString() === "pieces") {
      socket.send("in ", { fin: false });
      socket.ping("between");
      socket.send("frames", { fin: true });
    } else socket.send(data, { binary: isBinary });
  });
});
"""

NODE_CLIENT = """
const { WebSocket } = require("ws");
const socket = new WebSocket(process.argv[2], ["none", "echo"],
                             { perMessageDeflate: process.argv[3] === "deflate" });
const large = Buffer.alloc(1 << 20, "0123456789abcdef");
const found = { sizes: [] };
const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
let next = 0;
socket.on("open", () => {
  found.protocol = socket.protocol; found.extensions = socket.extensions;
  socket.send(large.subarray(0, sizes[next]));
});
socket.on("message", (data, isBinary) => {
  if (isBinary) {
    if (!data.equals(large.subarray(0, sizes[next]))) throw new Error("not what was sent");
    found.sizes.push(data.length);
    next += 1;
    if (next < sizes.length) socket.send(large.subarray(0, sizes[next]));
    else { socket.send("zwölf ", { fin: false }); socket.send("🥊", { fin: true }); }
  } else if (found.text === undefined) {
    found.text = data.toString();
    socket.ping("are you there");
  }
});
socket.on("pong", (data) => { found.pong = data.toString(); socket.send("close 1011"); });
socket.on("close", (code, reason) => {
  found.code = code; found.reason = reason.toString();
  console.log(JSON.stringify(found));
});
"""


@pytest.mark.parametrize("compression", ["plain", "deflate"])
async def test_node_asks_our_server(
    url: tuple[str, list[web.WebSocketResponse]], tmp_path: Path, compression: str
) -> None:
    node, environment = require_node_module("ws")
    script = tmp_path / "client.js"
    script.write_text(NODE_CLIENT)
    process = await asyncio.create_subprocess_exec(
        node, script, url[0], compression, env=environment, stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    found = json.loads(output)
    assert found.pop("extensions").startswith(
        "permessage-deflate" if compression == "deflate" else ""
    )
    assert found == {
        "protocol": "echo",
        "sizes": list(SIZES),
        "text": "zwölf 🥊",
        "pong": "are you there",
        "code": 1011,
        "reason": "as you wish",
    }


@pytest.fixture
def node_server(tmp_path: Path) -> Iterator[str]:
    node, environment = require_node_module("ws")
    script = tmp_path / "server.js"
    script.write_text(NODE_SERVER)
    with subprocess.Popen(
        [node, script], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield f"ws://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.terminate()


@pytest.mark.parametrize("compress", [0, 12, 15])
async def test_our_client_asks_node(node_server: str, compress: int) -> None:
    async with (
        tercel.ClientSession() as session,
        session.ws_connect(node_server, compress=compress, protocols=("none", "echo")) as socket,
    ):
        assert (socket.protocol, socket.compress) == ("echo", 15 if compress else 0)
        for size in SIZES:
            await socket.send_bytes(LARGE[:size])
            assert await socket.receive_bytes() == LARGE[:size]
        await socket.send_str(TEXT)
        assert await socket.receive_str() == TEXT
        await socket.send_str("pieces")
        assert await socket.receive_str() == "in frames"
        await socket.send_str("close")
        assert await socket.receive() == (tercel.WSMsgType.CLOSE, 4003, "as you wish")


# A page in Chromium.

PAGE = """
async (address) => {
  const found = { sizes: [] };
  const socket = new WebSocket(address, ["none", "echo"]);
  socket.binaryType = "arraybuffer";
  const answers = [];
  let wake = () => {};
  const next = async () => {
    while (!answers.length) await new Promise((done) => { wake = done; });
    return answers.shift();
  };
  socket.onmessage = (event) => { answers.push(event.data); wake(); };
  const closed = new Promise((done) => { socket.onclose = done; });
  await new Promise((done) => { socket.onopen = done; });
  found.protocol = socket.protocol;
  found.extensions = socket.extensions;
  for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
    const data = new Uint8Array(size).map((_, i) => i * 7 % 256);
    socket.send(data);
    const answer = new Uint8Array(await next());
    if (answer.length !== size || answer.some((octet, i) => octet !== i * 7 % 256))
      throw new Error("not what was sent: " + size);
    found.sizes.push(size);
  }
  socket.send("zwölf 🥊");
  found.text = await next();
  socket.send("x".repeat(3000000));
  found.long = (await next()).length;
  CLOSE
  const event = await closed;
  return { ...found, code: event.code, reason: event.reason, clean: event.wasClean };
}
"""


@pytest.fixture
async def page() -> AsyncIterator[Any]:
    playwright = pytest.importorskip("playwright.async_api")
    path = require_program("chromium", "chromium-browser", "google-chrome")
    async with playwright.async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield await browser.new_page()
        await browser.close()


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize("closer", ["page", "server"])
async def test_chromium_asks_our_server(
    page: Any, url: tuple[str, list[web.WebSocketResponse]], compression: str, closer: str
) -> None:
    address, sockets = url
    close = 'socket.close(4004, "enough");' if closer == "page" else 'socket.send("close 4004");'
    found = await page.evaluate(PAGE.replace("CLOSE", close), f"{address}?compress={compression}")
    assert found.pop("extensions").startswith("permessage-deflate" if compression == "yes" else "")
    assert found == {
        "protocol": "echo",
        "sizes": list(SIZES),
        "text": "zwölf 🥊",
        "long": 3_000_000,
        "code": 4004,
        "reason": "" if closer == "page" else "as you wish",
        "clean": True,
    }
    await until(lambda: sockets[0].closed)
    assert sockets[0].close_code == 4004
