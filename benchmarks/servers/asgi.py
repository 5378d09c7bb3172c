"""Starlette under uvicorn: the same answers, one pure ASGI middleware."""

import json
import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


async def hello(request):
    return PlainTextResponse("Hello, World!")


async def json_echo(request):
    return JSONResponse(json.loads(await request.body()))


async def item(request):
    return PlainTextResponse(
        f"item {request.path_params['name']}",
        headers={
            "X-Agent": request.headers["user-agent"],
            "X-Token": request.headers["authorization"],
        },
    )


async def form(request):
    fields = await request.form()
    return PlainTextResponse(fields["name"])


async def stream(request):
    async def pieces():
        for _ in range(10):
            yield PIECE

    return StreamingResponse(pieces(), media_type="text/plain")


async def upload(request):
    count = 0
    async for piece in request.stream():
        count += len(piece)
    return PlainTextResponse(str(count))


PIECE = b"0123456789" * 10


class Passing:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


app = Starlette(
    routes=[
        *(Route(f"/other/{number}/{{name}}", hello) for number in range(46)),
        Route("/", hello),
        Route("/json", json_echo, methods=["POST"]),
        Route("/items/{name}", item),
        Route("/form", form, methods=["POST"]),
        Route("/stream", stream),
        Route("/upload", upload, methods=["POST"]),
        Mount("/static", StaticFiles(directory=os.environ.get("BENCH_FILES", "."))),
    ],
    middleware=[Middleware(Passing)],
)
