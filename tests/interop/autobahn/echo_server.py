"""The server that Autobahn's fuzzing client speaks to: python echo_server.py PORT."""

import contextlib
import sys

from tercel import web


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    # A client that broke the protocol is told so at once; what it had said before is not echoed.
    with contextlib.suppress(ConnectionError):
        async for message in socket:
            if message.type is web.WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is web.WSMsgType.BINARY:
                await socket.send_bytes(message.data)
    return socket


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_get("/", echo)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
