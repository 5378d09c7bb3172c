"""The page, the list, and uploads that go on where they were broken off.

POST /uploads with {"name": "...", "size": octets} makes an upload; its URL is the Location. PATCH
there with Upload-Offset appends the body, HEAD tells the offset, DELETE gives up. The PATCH that
brings the last octet, and every one after it, tells under which name the file can be fetched.
"""

import asyncio
import errno
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tercel import web

from .shelf import Kept, Refused, Shelf, Upload

STATIC = Path(__file__).resolve().parent / "static"
SHELF = web.AppKey("SHELF", Shelf)
WRITERS = web.AppKey("WRITERS", dict[str, asyncio.Task[Any]])
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


async def in_thread(work: Any, *arguments: Any) -> Any:
    """Do what waits for the disk elsewhere, and to its end: a file is never half-way between."""
    doing = asyncio.get_running_loop().run_in_executor(None, work, *arguments)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise


async def index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html", cache_control="no-cache")


def describe(kept: Kept) -> dict[str, Any]:
    return {
        "name": kept.name,
        "size": kept.size,
        "modified": kept.modified,
        "url": "/files/" + quote(kept.name, safe=""),
    }


async def list_files(request: web.Request) -> web.Response:
    shelf = request.app[SHELF]
    kept = await in_thread(shelf.list_kept)
    found = {"files": [describe(one) for one in kept], "maxSize": shelf.max_size}
    return web.json_response(found, headers={"Cache-Control": "no-store"})


async def remove_file(request: web.Request) -> web.Response:
    if not await in_thread(request.app[SHELF].remove, request.match_info["name"]):
        raise web.HTTPNotFound(text="There is no such file.")
    return web.Response(status=204)


# Uploads


async def begin(request: web.Request) -> web.Response:
    if request.content_type != "application/json":  # which no other site's form can send
        raise web.HTTPUnsupportedMediaType(text="Expected application/json.")
    try:
        wish = await request.json()
        name, size = wish["name"], wish["size"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise web.HTTPBadRequest(text='Expected {"name": "...", "size": octets}.') from None
    if not isinstance(name, str) or type(size) is not int or size < 0:
        raise web.HTTPBadRequest(text="The name is a text, the size a number of octets.")
    shelf = request.app[SHELF]
    try:
        upload = await in_thread(shelf.begin, name, size)
        kept = await in_thread(shelf.finish, upload) if size == 0 else None
    except Refused as refused:
        raise web.HTTPRequestEntityTooLarge(shelf.max_size, size, text=str(refused)) from None
    if kept is not None:
        return web.json_response(describe(kept))
    where = {"Location": f"/uploads/{upload.token}", "Upload-Offset": "0"}
    return web.json_response({"offset": 0}, status=201, headers=where)


async def find(request: web.Request) -> Upload:
    upload = await in_thread(request.app[SHELF].find, request.match_info["token"])
    if upload is None:
        raise web.HTTPNotFound(text="There is no such upload, or not any more.")
    return upload  # type: ignore[no-any-return]


async def tell(request: web.Request) -> web.Response:
    upload = await find(request)
    if upload.done is not None:
        await find_done(request, upload.done)
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.size),
        "Cache-Control": "no-store",
    }
    return web.Response(headers=headers)


async def cancel(request: web.Request) -> web.Response:
    upload = await find(request)
    await take_over(request)
    await in_thread(request.app[SHELF].cancel, upload)
    return web.Response(status=204)


async def append(request: web.Request) -> web.Response:
    """Append the body at Upload-Offset. What came before a connection broke is kept."""
    await take_over(request)
    writers, token = request.app[WRITERS], request.match_info["token"]
    task = asyncio.current_task()
    assert task is not None
    writers[token] = task
    try:
        upload = await find(request)
        if upload.done is not None:  # the answer to the last octet went astray
            return web.json_response(describe(await find_done(request, upload.done)))
        offset = upload.offset
        if request.headers.get("Upload-Offset") != str(offset):
            raise web.HTTPConflict(
                text=f"The upload goes on at {offset}.", headers={"Upload-Offset": str(offset)}
            )
        offset = await receive(request, upload, offset)
        if offset == upload.size:
            return web.json_response(describe(await in_thread(request.app[SHELF].finish, upload)))
        return web.Response(status=204, headers={"Upload-Offset": str(offset)})
    finally:
        if writers.get(token) is task:
            del writers[token]


async def find_done(request: web.Request, name: str) -> Kept:
    kept = await in_thread(request.app[SHELF].find_kept, name)
    if kept is None:
        raise web.HTTPNotFound(text="The file has been deleted since.")
    return kept  # type: ignore[no-any-return]


async def receive(request: web.Request, upload: Upload, offset: int) -> int:
    """Write the body to the upload's file as it comes; the new offset."""
    left = upload.size - offset
    if request.content_length is not None and request.content_length > left:
        raise web.HTTPRequestEntityTooLarge(left, request.content_length)
    file = await in_thread(lambda: upload.path.open("ab", buffering=0))
    try:
        async for piece in request.content.iter_chunked(256 * 1024):
            if len(piece) > left:
                raise web.HTTPRequestEntityTooLarge(upload.size, upload.size - left + len(piece))
            await in_thread(write_all, file, piece)
            left -= len(piece)
    except OSError as error:
        if error.errno in FULL:
            raise web.HTTPInsufficientStorage(text="The disk is full.") from None
        raise
    finally:
        file.close()
    return upload.size - left


def write_all(file: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


async def take_over(request: web.Request) -> None:
    """End another request for this upload: the connection that it waits on has been given up."""
    other = request.app[WRITERS].get(request.match_info["token"])
    if other is not None:
        other.cancel()
        await asyncio.wait([other])
