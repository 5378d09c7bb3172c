"""An echo server: server.py LIBRARY. Prints the port that it listens on; ends with its input."""

import asyncio
import sys

import uvloop


async def serve_web(library):
    if library == "tercel":
        from tercel import web
    else:
        from aiohttp import web

    async def echo(request):
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for message in socket:
            await socket.send_bytes(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner.addresses[0][1], runner


async def serve_websockets():
    from websockets.asyncio.server import serve
    from websockets.exceptions import ConnectionClosed

    async def echo(socket):
        try:
            async for message in socket:
                await socket.send(message)
        except ConnectionClosed:
            pass

    server = await serve(echo, "127.0.0.1", 0, compression=None)
    return server.sockets[0].getsockname()[1], server


async def serve_picows():
    import picows

    class Echo(picows.WSListener):
        def on_ws_frame(self, transport, frame):
            transport.send(frame.msg_type, frame.get_payload_as_bytes())

    server = await picows.ws_create_server(lambda request: Echo(), "127.0.0.1", 0)
    return server.sockets[0].getsockname()[1], server


async def main(library):
    if library in ("tercel", "aiohttp"):
        found = await serve_web(library)
    else:
        found = await {"websockets": serve_websockets, "picows": serve_picows}[library]()
    print(found[0], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
