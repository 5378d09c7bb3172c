"""Starlette under uvicorn: the same four answers, one pure ASGI middleware."""

import json

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route


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
    ],
    middleware=[Middleware(Passing)],
)
