"""The application under test, for every library that speaks aiohttp's interface.

Usage: framework.py LIBRARY PORT. Access log off, uvloop.
"""

import asyncio
import importlib
import json
import sys

import uvloop

library, port = sys.argv[1], int(sys.argv[2])
web = importlib.import_module(f"{library}.web")
ITEMS = json.dumps([{"id": n, "name": f"item {n}", "price": n / 4} for n in range(1700)])


async def upload(request):
    reader = await request.multipart()
    size = 0
    while (part := await reader.next()) is not None:
        while chunk := await part.read_chunk(65536):
            size += len(chunk)
    return web.Response(text=str(size))


async def form(request):
    fields = await request.post()
    return web.Response(text=fields["name"])


async def items(request):
    response = web.Response(text=ITEMS, content_type="application/json")
    response.enable_compression()
    return response


async def main():
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/upload", upload)
    app.router.add_post("/form", form)
    app.router.add_get("/items", items)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


uvloop.run(main())
