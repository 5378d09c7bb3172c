"""The application under test, for every library that speaks aiohttp's interface.

Usage: framework.py LIBRARY PORT. One router of 50 routes, one middleware, access log off, uvloop.
"""

import asyncio
import importlib
import json
import sys

import uvloop

library, port = sys.argv[1], int(sys.argv[2])
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
    if "signal" in sys.argv:
        app.on_response_prepare.append(note)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


assert json  # the standard library's json serves in all
uvloop.run(main())
