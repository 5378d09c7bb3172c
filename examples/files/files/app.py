"""The application, put together from its parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from tercel import web

from . import views
from .shelf import Shelf

__all__ = ["make_app"]

CLEAN_EVERY = 3600.0  # seconds


def make_app(shelf: Shelf) -> web.Application:
    """An application that keeps its files on `shelf`."""
    app = web.Application(middlewares=[refuse_other_sites, mark_downloads])
    app[views.SHELF] = shelf
    app[views.WRITERS] = {}
    app.add_routes(
        [
            web.get("/", views.index),
            web.get("/api/files", views.list_files),
            web.delete("/api/files/{name}", views.remove_file),
            web.post("/uploads", views.begin),
            web.head("/uploads/{token}", views.tell),
            web.patch("/uploads/{token}", views.append),
            web.delete("/uploads/{token}", views.cancel),
            web.static("/static", views.STATIC, cache_control="no-cache"),
            web.static("/files", shelf.kept, cache_control="no-cache"),
        ]
    )
    app.cleanup_ctx.append(clean_up)
    return app


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Any) -> web.StreamResponse:
    """Other sites' pages may not change anything here (Fetch Metadata, Sec-Fetch-Site)."""
    if request.method not in ("GET", "HEAD"):
        if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise web.HTTPForbidden(text="This is for its own page.")
    return await handler(request)  # type: ignore[no-any-return]


@web.middleware
async def mark_downloads(request: web.Request, handler: Any) -> web.StreamResponse:
    """What somebody has uploaded is saved, never shown: it could be a page with a script."""
    response: web.StreamResponse = await handler(request)
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    if request.path.startswith("/files/"):
        name = quote(request.match_info.get("filename", ""), safe="")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    else:
        headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
    return response


async def clean_up(app: web.Application) -> AsyncIterator[None]:
    """Give up forgotten uploads, now and every hour."""

    async def run() -> None:
        while True:
            await views.in_thread(app[views.SHELF].clean)
            await asyncio.sleep(CLEAN_EVERY)

    task = asyncio.create_task(run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
