"""Starlette under uvicorn: the same three answers, with its own GZipMiddleware at zlib's level."""

import json

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

ITEMS = json.dumps([{"id": n, "name": f"item {n}", "price": n / 4} for n in range(1700)])


async def upload(request):
    async with request.form(max_part_size=2**26) as fields:
        size = 0
        while chunk := await fields["file"].read(65536):
            size += len(chunk)
    return PlainTextResponse(str(size))


async def form(request):
    async with request.form() as fields:
        return PlainTextResponse(fields["name"])


async def items(request):
    return Response(ITEMS, media_type="application/json")


app = Starlette(
    routes=[
        Route("/upload", upload, methods=["POST"]),
        Route("/form", form, methods=["POST"]),
        Route("/items", items),
    ],
    middleware=[Middleware(GZipMiddleware, compresslevel=6)],
)
