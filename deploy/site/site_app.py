"""The application that the examples of this folder deploy: a page, a WebSocket, health, figures.

`site_app:make_app` is what `tercel run`, Gunicorn and the others are told.
"""

import os

from tercel import web
from tercel.ext.forwarded import forwarded_middleware
from tercel.ext.health import setup_health
from tercel.ext.requestid import request_id_middleware


async def index(request: web.Request) -> web.Response:
    """Who asks, how, and which process answers."""
    return web.json_response(
        {
            "pid": os.getpid(),
            "remote": request.remote,
            "scheme": request.scheme,
            "host": request.host,
            "request_id": request["request_id"],
        }
    )


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Says what it is told."""
    socket = web.WebSocketResponse(heartbeat=30)
    await socket.prepare(request)
    async for message in socket:
        if message.type is web.WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


def make_app() -> web.Application:
    """The application, behind a proxy on this machine (TCP or a Unix socket)."""
    app = web.Application(
        middlewares=[
            request_id_middleware(),
            forwarded_middleware(["127.0.0.1", "::1", "unix"], read=("remote", "scheme", "host")),
        ]
    )
    app.add_routes([web.get("/", index), web.get("/echo", echo)])
    setup_health(app)
    return app
