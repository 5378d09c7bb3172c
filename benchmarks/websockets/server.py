"""A server to measure: server.py SUBJECT TASK [CERT]. Prints the port; ends with its input.

TASK: "echo", "deflate" (echo with permessage-deflate) or "broadcast", where each line of the input
is a number of broadcasts to make, and the answer the microseconds of CPU time that one took.
With CERT, a file with key and certificate, it speaks TLS.
"""

import asyncio
import ssl
import sys
import time

import uvloop

PAYLOAD = b"0123456789abcdef" * 4


async def serve_web(subject, task, tls):
    if subject.startswith("tercel"):
        from tercel import web
    else:
        from aiohttp import web
    members = web.WebSocketSet() if subject == "tercel" else set()
    listener = make_listener(web) if subject == "tercel-raw" else None

    async def handle(request):
        socket = web.WebSocketResponse(compress=task == "deflate")
        await socket.prepare(request)
        members.add(socket)
        if listener is not None:
            await socket.listen(listener)
        else:
            async for message in socket:
                await socket.send_bytes(message.data)
        members.discard(socket)
        return socket

    async def send_to_each():
        for socket in list(members):
            await socket.send_bytes(PAYLOAD)

    async def send_to_all():
        members.broadcast(PAYLOAD)

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls, backlog=1000).start()
    return runner.addresses[0][1], send_to_all if subject == "tercel" else send_to_each


def make_listener(web):
    class Echo(web.WebSocketListener):
        def on_binary(self, transport, data):
            transport.send_bytes(data)

    return Echo()


async def serve_websockets(subject, task, tls):
    if subject == "websockets":
        from websockets.asyncio.server import broadcast, serve
        from websockets.exceptions import ConnectionClosed
    else:
        from picows.websockets import ConnectionClosed, broadcast, serve
    members = set()

    async def echo(socket):
        members.add(socket)
        try:
            async for message in socket:
                await socket.send(message)
        except ConnectionClosed:
            pass
        finally:
            members.discard(socket)

    async def send_to_all():
        broadcast(members, PAYLOAD)

    compression = "deflate" if task == "deflate" else None
    server = await serve(
        echo, "127.0.0.1", 0, compression=compression, ssl=tls, backlog=1000, ping_interval=None
    )
    return next(iter(server.sockets)).getsockname()[1], send_to_all


async def serve_picows(subject, task, tls):
    import picows

    if task == "deflate":
        sys.exit("picows has no permessage-deflate")
    members = set()

    class Echo(picows.WSListener):
        def on_ws_connected(self, transport):
            members.add(transport)

        def on_ws_frame(self, transport, frame):
            transport.send(frame.msg_type, frame.get_payload_as_memoryview())

        def on_ws_disconnected(self, transport):
            members.discard(transport)

    async def send_to_each():
        for transport in members:
            transport.send(picows.WSMsgType.BINARY, PAYLOAD)

    server = await picows.ws_create_server(
        lambda request: Echo(), "127.0.0.1", 0, ssl=tls, backlog=1000
    )
    return server.sockets[0].getsockname()[1], send_to_each


async def serve_bare(subject, task, tls):
    """The limit: a protocol that does nothing but the octets, for whole frames in each read."""
    if task != "echo" or tls is not None:
        sys.exit("the bare protocol echoes in the clear, and no more")
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )

    class Bare(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport
            self.head = None

        def data_received(self, data):
            if self.head is None:
                self.transport.write(answer)
                self.head = b""
                return
            size = data[1] & 127
            start = 8 if size == 126 else 6
            # The client's masking keys are zeros.
            self.transport.write(bytes((data[0], size)) + data[2 : start - 4] + data[start:])

    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=1000)
    return server.sockets[0].getsockname()[1], None


async def main(subject, task, cert=None):
    tls = None
    if cert is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(cert)
    serve = {
        "websockets": serve_websockets,
        "picows.websockets": serve_websockets,
        "picows": serve_picows,
        "limit": serve_bare,
    }.get(subject, serve_web)
    port, broadcast = await serve(subject, task, tls)
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        count = int(line)
        began = time.process_time()
        for _ in range(count):
            await broadcast()
            # What was queued leaves, and no member falls behind.
            await asyncio.sleep(0.02)
        print((time.process_time() - began) / count * 1e6, flush=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
