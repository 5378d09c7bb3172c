"""Files of any size, written to a folder as they come: `python examples/upload.py FOLDER`.

Nothing is held in memory, whatever the size. A file whose sender leaves half-way is removed, and a
name that is taken, or that would lead out of the folder, is refused with one sentence.
"""

import os
import sys
from html import escape
from pathlib import Path

from tercel import BodyPartReader, web

FOLDER = web.AppKey("folder", Path)
MAX_SIZE = 4 << 30  # octets of one file

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Upload</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:1rem/1.5 system-ui;max-width:32rem;margin:2rem auto;padding:0 1rem}}</style>
</head><body><h1>Upload</h1>
<form method="post" enctype="multipart/form-data">
<p><input type="file" name="file" multiple required> <button>Send</button></p></form>
<ul>{files}</ul></body></html>
"""


async def page(request: web.Request) -> web.Response:
    names = sorted(path.name for path in request.app[FOLDER].iterdir() if path.suffix != ".part")
    files = "".join(f"<li>{escape(name)}</li>" for name in names)
    return web.Response(text=PAGE.format(files=files), content_type="text/html")


async def upload(request: web.Request) -> web.Response:
    if not request.content_type.startswith("multipart/"):
        raise web.HTTPUnsupportedMediaType(text="Files are sent as multipart/form-data.")
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.filename:
            await save(part, choose_place(request.app[FOLDER], part.filename))
    raise web.HTTPSeeOther(request.path)


def choose_place(folder: Path, filename: str) -> Path:
    """Where a file of that name goes; raises 400 or 409."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    if not name.strip(". ") or not name.isprintable() or len(name.encode()) > 200:
        raise web.HTTPBadRequest(text="The file has no usable name.")
    place = folder / name
    if place.exists() or place.suffix == ".part":
        raise web.HTTPConflict(text=f"There is a file {name} already.")
    return place


async def save(part: BodyPartReader, place: Path) -> None:
    beside = place.with_name(f"{os.urandom(8).hex()}.part")
    size = 0
    try:
        with beside.open("xb") as file:
            while piece := await part.read_chunk(1 << 16):
                size += len(piece)
                if size > MAX_SIZE:
                    raise web.HTTPRequestEntityTooLarge(max_size=MAX_SIZE, actual_size=size)
                file.write(piece)
        os.link(beside, place)  # unlike rename, it never replaces what is there
    except FileExistsError:
        raise web.HTTPConflict(text=f"There is a file {place.name} already.") from None
    finally:
        beside.unlink(missing_ok=True)


def make_app(folder: Path) -> web.Application:
    app = web.Application()
    app[FOLDER] = folder
    app.add_routes([web.get("/", page), web.post("/", upload)])
    return app


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python upload.py FOLDER")
    web.run_app(make_app(Path(sys.argv[1])), host="127.0.0.1", port=8080)
