"""The application under test, for every library that speaks aiohttp's interface.

Usage: framework.py LIBRARY PORT. One router of 50 routes, one middleware, access log off, uvloop.
"""

import asyncio
import importlib
import json
import os
import ssl
import sys

import uvloop

library, port = sys.argv[1], int(sys.argv[2])
PIECE = b"0123456789" * 10
web = importlib.import_module(f"{library}.web")


async def hello(request):
    return web.Response(text="Hello, World!")


async def json_echo(request):
    data = await request.json()
    return web.json_response(data)


async def item(request):
    agent = request.headers["User-Agent"]
    token = request.headers["Authorization"]
    response = web.Response(text=f"item {request.match_info['name']}")
    response.headers["X-Agent"] = agent
    response.headers["X-Token"] = token
    return response


async def form(request):
    fields = await request.post()
    return web.Response(text=fields["name"])


async def stream(request):
    response = web.StreamResponse()
    response.content_type = "text/plain"
    await response.prepare(request)
    for _ in range(10):
        await response.write(PIECE)
    await response.write_eof()
    return response


async def upload(request):
    count = 0
    async for piece in request.content.iter_any():
        count += len(piece)
    return web.Response(text=str(count))


@web.middleware
async def middleware(request, handler):
    return await handler(request)


async def note(request, response):
    response.headers["X-Signal"] = "seen"


async def main():
    app = web.Application(middlewares=[middleware])
    for number in range(46):
        app.router.add_get(f"/other/{number}/{{name}}", hello)
    app.router.add_get("/", hello)
    app.router.add_post("/json", json_echo)
    app.router.add_get("/items/{name}", item)
    app.router.add_post("/form", form)
    app.router.add_get("/stream", stream)
    app.router.add_post("/upload", upload)
    if os.environ.get("BENCH_FILES"):
        app.router.add_static("/static/", os.environ["BENCH_FILES"])
    if "signal" in sys.argv:
        app.on_response_prepare.append(note)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = None
    folder = os.environ.get("BENCH_TLS")
    if folder:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    await asyncio.Event().wait()


assert json  # the standard library's json serves in all
uvloop.run(main())
